// The catalog as the browser knows it, and ways to change it.

import type { Event } from '@jupyterlab/services';
import { Token } from '@lumino/coreutils';
import type { ISignal } from '@lumino/signaling';

import type { ControlApi, ICatalog } from './api';
import { ServerExtensionMissing } from './api';
import type { IChoice } from './catalog';
import { currentChoice, isUnderWay } from './catalog';
import { Mirror } from './mirror';

const SCHEMAS = [
  'https://first-jupyter.org/events/model-state/v1',
  'https://first-jupyter.org/events/current-model/v1'
];

/** How long to trust that an event comes, while something is under way. */
const SECOND_LOOK_MS = 10_000;

/** `loading` at first; `missing` without the server extension; `unreachable` when the server does not answer. */
export type Availability = 'loading' | 'ready' | 'missing' | 'unreachable';

export interface IFederation {
  readonly changed: ISignal<IFederation, void>;
  readonly availability: Availability;
  readonly catalog: ICatalog;
  readonly current: IChoice | null;
  /** Seconds since the catalog was fetched: what to take off its ETAs. */
  readonly age: number;
  refresh(): Promise<void>;
  choose(model: string): Promise<void>;
  start(model: string, cluster?: string): Promise<void>;
  stop(model: string, cluster?: string): Promise<void>;
}

export const IFederation = new Token<IFederation>(
  'first-jupyter:IFederation',
  'The models that this user can reach, their states, and the current choice.'
);

export class Federation extends Mirror implements IFederation {
  constructor(
    private readonly api: ControlApi,
    events: Event.Stream
  ) {
    super(events, SCHEMAS);
  }

  get availability(): Availability {
    return this._availability;
  }

  get catalog(): ICatalog {
    return this._catalog;
  }

  get current(): IChoice | null {
    return currentChoice(this._catalog);
  }

  get age(): number {
    return (performance.now() - this._fetchedAt) / 1000;
  }

  override dispose(): void {
    clearTimeout(this._secondLook);
    super.dispose();
  }

  async choose(model: string): Promise<void> {
    await this.api.choose(model);
    await this.refresh();
  }

  async start(model: string, cluster?: string): Promise<void> {
    await this.api.start(model, cluster);
    await this.refresh();
  }

  async stop(model: string, cluster?: string): Promise<void> {
    await this.api.stop(model, cluster);
    await this.refresh();
  }

  protected async fetch(): Promise<void> {
    clearTimeout(this._secondLook);
    try {
      this._catalog = await this.api.catalog();
      this._fetchedAt = performance.now();
      this._availability = 'ready';
    } catch (error) {
      this._availability =
        error instanceof ServerExtensionMissing ? 'missing' : 'unreachable';
    }
    if (this.isDisposed) {
      return;
    }
    this.tell();
    const offers = this._catalog.models.flatMap(model => model.clusters);
    if (this._availability === 'ready' && offers.some(isUnderWay)) {
      this._secondLook = setTimeout(() => void this.refresh(), SECOND_LOOK_MS);
    }
  }

  private _availability: Availability = 'loading';
  private _catalog: ICatalog = { current: null, models: [] };
  private _fetchedAt = 0;
  private _secondLook: ReturnType<typeof setTimeout> | undefined;
}
