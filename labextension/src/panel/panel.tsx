// The panel itself: its sections, or one message in their place while there is nothing to show.

import { ReactWidget } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { AccordionToolbar, SidePanel } from '@jupyterlab/ui-components';
import type {
  AccordionPanel,
  PanelLayout,
  Title,
  Widget
} from '@lumino/widgets';
import * as React from 'react';

import type { IFederation } from '../federation';
import { firstIcon } from '../icons';
import { remedyFor } from '../remedy';
import { Notice } from './parts';
import type { Section } from './section';

/** Lumino's titles are headings that say whether their section is open, which only a button may say. */
class Renderer extends AccordionToolbar.Renderer {
  override createSectionTitle(title: Title<Widget>): HTMLElement {
    const heading = super.createSectionTitle(title);
    const button = document.createElement('div');
    for (const { name, value } of heading.attributes) {
      button.setAttribute(name, value);
    }
    button.setAttribute('role', 'button');
    button.append(...heading.childNodes);
    return button;
  }
}

export class FirstPanel extends SidePanel {
  constructor(
    private readonly federation: IFederation,
    trans: TranslationBundle
  ) {
    super({ renderer: new Renderer() });
    this.id = 'first-jupyter:panel';
    this.title.icon = firstIcon;
    this.title.caption = trans.__('FIRST: language models');
    this.addClass('jp-FirstPanel');
    this.node.tabIndex = -1;
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', trans.__('FIRST'));
    this.message = new PanelMessage(federation, trans);
    (this.layout as PanelLayout).insertWidget(0, this.message);
    federation.changed.connect(this.settle, this);
    this.settle();
  }

  /** Adds the sections, each with its share of the height; one without a share is closed at first. */
  fill(sections: readonly [Section, number][]): void {
    const content = this.content as AccordionPanel;
    sections.forEach(([section, share], index) => {
      this.addWidget(section);
      if (share === 0) {
        content.collapse(index);
      }
    });
    content.setRelativeSizes(sections.map(([, share]) => share));
  }

  /** So that Tab goes on from here. */
  protected override onActivateRequest(): void {
    this.node.focus();
  }

  private settle(): void {
    const ready = this.federation.availability === 'ready';
    this.message.setHidden(ready);
    this.content.setHidden(!ready);
    this.message.update();
  }

  private readonly message: PanelMessage;
}

/** What stands in the way of the whole panel. */
class PanelMessage extends ReactWidget {
  constructor(
    private readonly federation: IFederation,
    private readonly trans: TranslationBundle
  ) {
    super();
    this.addClass('jp-FirstPanel-message');
  }

  protected override onAfterShow(): void {
    this.update();
  }

  protected override render(): JSX.Element {
    const { federation, trans } = this;
    const remedy = this.isVisible && remedyFor(federation, trans);
    return (
      <div role="status">
        {remedy && (
          <Notice
            sentence={remedy.advice}
            step={
              federation.availability === 'unreachable'
                ? {
                    label: trans.__('Try Again'),
                    act: () => federation.refresh()
                  }
                : undefined
            }
          />
        )}
      </div>
    );
  }
}
