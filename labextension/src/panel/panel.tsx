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

/** Lumino's titles say whether their section is open, which only a button can say. */
class Renderer extends AccordionToolbar.Renderer {
  override createSectionTitle(title: Title<Widget>): HTMLElement {
    const node = super.createSectionTitle(title);
    node.setAttribute('role', 'button');
    return node;
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

  protected override render(): JSX.Element {
    const { federation, trans } = this;
    const remedy = remedyFor(federation, trans);
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
