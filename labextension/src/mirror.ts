// What the server knows, as the browser knows it: kept fresh while somebody looks at it, and only then.

import type { Event } from '@jupyterlab/services';
import type { IDisposable } from '@lumino/disposable';
import { DisposableDelegate } from '@lumino/disposable';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import type { IPage } from './page';
import { thisPage } from './page';

export abstract class Mirror<T> implements IDisposable {
  /** `schemas` are those of the events that tell of a change. */
  constructor(
    private readonly events: Event.Stream,
    private readonly schemas: readonly string[],
    private readonly page: IPage = thisPage
  ) {
    events.connect(this.onEvent, this);
    page.changed.connect(this.onPage, this);
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** The last that the server said; none until it is known. */
  get value(): T | null {
    return this._value;
  }

  /** Why the last question came to nothing; none where it was answered. */
  get problem(): Error | null {
    return this._problem;
  }

  /** Seconds since the server said it. */
  get age(): number {
    return (performance.now() - this._setAt) / 1000;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    this.events.disconnect(this.onEvent, this);
    this.page.changed.disconnect(this.onPage, this);
    Signal.clearData(this);
  }

  /** Keeps it fresh until the result is disposed; an event that comes while nobody watches is passed over. */
  watch(): IDisposable {
    this._watchers += 1;
    if (this.isSeen && !this._running) {
      void this.refresh();
    }
    return new DisposableDelegate(() => {
      this._watchers -= 1;
    });
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

  protected abstract load(): Promise<T>;

  protected set(value: T): void {
    this._value = value;
    this._setAt = performance.now();
    this._problem = null;
    this.tell();
  }

  protected get watchers(): number {
    return this._watchers;
  }

  /** Whether somebody looks at it now. */
  protected get isSeen(): boolean {
    return this._watchers > 0 && !this.page.hidden && !this._isDisposed;
  }

  protected tellsOfChange(schema: string): boolean {
    return this.schemas.includes(schema);
  }

  private async fetch(): Promise<void> {
    try {
      this.set(await this.load());
    } catch (error) {
      this._problem = error as Error;
      this.tell();
    }
  }

  private tell(): void {
    if (!this._isDisposed) {
      this._changed.emit();
    }
  }

  private onEvent(_: Event.IManager, event: Event.Emission): void {
    if (this.isSeen && this.tellsOfChange(event.schema_id)) {
      void this.refresh();
    }
  }

  /** Events of a time when the page was hidden, or the laptop asleep, may not have come. */
  private onPage(): void {
    if (this.isSeen) {
      void this.refresh();
    }
  }

  private _isDisposed = false;
  private _value: T | null = null;
  private _problem: Error | null = null;
  private _setAt = 0;
  private _watchers = 0;
  private _running: Promise<void> | null = null;
  private _next: Promise<void> | null = null;
  private readonly _changed = new Signal<this, void>(this);
}
