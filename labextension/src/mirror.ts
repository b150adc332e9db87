// What the server knows, as the browser knows it: fetched, and again whenever the server says that it changed.

import type { Event } from '@jupyterlab/services';
import type { IDisposable } from '@lumino/disposable';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

export abstract class Mirror implements IDisposable {
  /** `schemas` are those of the events that tell of a change. */
  constructor(
    private readonly events: Event.Stream,
    private readonly schemas: readonly string[]
  ) {
    events.connect(this.onEvent, this);
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    this.events.disconnect(this.onEvent, this);
    Signal.clearData(this);
  }

  /** Fetch it. Calls that come while one is on its way share the next. */
  refresh(): Promise<void> {
    if (!this._running) {
      this._running = this.fetch().finally(() => (this._running = null));
      return this._running;
    }
    this._next ??= this._running.then(() => {
      this._next = null;
      return this.refresh();
    });
    return this._next;
  }

  /** Take what the server says now; never rejects. */
  protected abstract fetch(): Promise<void>;

  protected tell(): void {
    if (!this._isDisposed) {
      this._changed.emit();
    }
  }

  private onEvent(_: Event.IManager, event: Event.Emission): void {
    if (this.schemas.includes(event.schema_id)) {
      void this.refresh();
    }
  }

  private _isDisposed = false;
  private _running: Promise<void> | null = null;
  private _next: Promise<void> | null = null;
  private readonly _changed = new Signal<this, void>(this);
}
