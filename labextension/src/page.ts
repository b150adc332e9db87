// Whether anybody can see this page: what nobody sees is not asked for.

import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

export interface IPage {
  readonly hidden: boolean;
  /** It is hidden now, or is seen again. */
  readonly changed: ISignal<IPage, void>;
}

class Page implements IPage {
  constructor() {
    // Unit tests run without a document.
    globalThis.document?.addEventListener('visibilitychange', () =>
      this.changed.emit()
    );
  }

  get hidden(): boolean {
    return globalThis.document?.hidden ?? false;
  }

  readonly changed: Signal<IPage, void> = new Signal(this);
}

export const thisPage: IPage = new Page();
