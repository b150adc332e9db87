// One section of the panel: draws while it can be seen, and only then keeps fresh what it shows.

import { ReactWidget } from '@jupyterlab/apputils';
import type { IDisposable } from '@lumino/disposable';
import type { Message } from '@lumino/messaging';
import type { ISignal } from '@lumino/signaling';
import * as React from 'react';

import { thisPage } from '../page';

const SECOND_MS = 1000;

/** What a section shows. */
export interface IWatched {
  readonly changed: ISignal<unknown, void>;
  watch(): IDisposable;
}

export abstract class Section extends ReactWidget {
  constructor(
    name: string,
    label: string,
    private readonly watched: readonly IWatched[]
  ) {
    super();
    this.id = `first-jupyter:panel-${name}`;
    this.title.label = label;
    this.addClass('jp-FirstPanel-section');
    this.node.tabIndex = -1;
    thisPage.changed.connect(this.wind, this);
  }

  override dispose(): void {
    this.endWatch();
    thisPage.changed.disconnect(this.wind, this);
    super.dispose();
  }

  protected abstract draw(): JSX.Element;

  /** Whether a time is being counted, so that it has to be drawn each second. */
  protected ticks(): boolean {
    return false;
  }

  protected override render(): JSX.Element {
    this.wind();
    return <div className="jp-FirstPanel-body">{this.draw()}</div>;
  }

  protected override onUpdateRequest(message: Message): void {
    if (!this.isVisible) {
      return;
    }
    // Where what had the focus is gone, such as the button that stopped a node, the section takes it.
    const hadFocus = this.node.contains(document.activeElement);
    super.onUpdateRequest(message);
    void this.renderPromise?.then(() => {
      if (hadFocus && document.activeElement === document.body) {
        this.node.focus();
      }
    });
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    this.beginWatch();
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this.beginWatch();
  }

  protected override onAfterHide(message: Message): void {
    super.onAfterHide(message);
    this.endWatch();
  }

  protected override onBeforeDetach(message: Message): void {
    this.endWatch();
    super.onBeforeDetach(message);
  }

  private beginWatch(): void {
    if (!this.isVisible || this.watching.length > 0) {
      return;
    }
    this.watching = this.watched.map(each => {
      each.changed.connect(this.update, this);
      return each.watch();
    });
    this.update();
  }

  private endWatch(): void {
    for (const each of this.watched) {
      each.changed.disconnect(this.update, this);
    }
    for (const each of this.watching.splice(0)) {
      each.dispose();
    }
    clearInterval(this.clock);
  }

  private wind(): void {
    clearInterval(this.clock);
    if (this.watching.length > 0 && !thisPage.hidden && this.ticks()) {
      this.clock = setInterval(() => this.update(), SECOND_MS);
    }
  }

  private watching: IDisposable[] = [];
  private clock: ReturnType<typeof setInterval> | undefined;
}
