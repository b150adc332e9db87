// The catalog as the browser knows it, and ways to change it.

import type { Event } from '@jupyterlab/services';
import { Token } from '@lumino/coreutils';
import type { IDisposable } from '@lumino/disposable';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import type { ControlApi, ICatalog, IOffer } from './api';
import { ServerExtensionMissing } from './api';
import type { IChoice } from './catalog';
import { currentChoice, isBusy, isUnderWay } from './catalog';
import { Mirror } from './mirror';
import type { IPage } from './page';

const SCHEMAS = [
  'https://first-jupyter.org/events/model-state/v1',
  'https://first-jupyter.org/events/current-model/v1'
];

/** Requests have ended, which matters here where some were seen under way. */
const USAGE = 'https://first-jupyter.org/events/usage/v1';

/** How long to trust that an event comes, while something is under way or the server does not answer. */
const SECOND_LOOK_MS = 10_000;

const EMPTY: ICatalog = { current: null, models: [] };

/** `loading` at first; `missing` without the server extension; `unreachable` when the server does not answer. */
export type Availability = 'loading' | 'ready' | 'missing' | 'unreachable';

export interface IFederation {
  readonly changed: ISignal<IFederation, void>;
  /** A model was asked to start from this page. */
  readonly asked: ISignal<IFederation, string>;
  readonly availability: Availability;
  readonly catalog: ICatalog;
  readonly current: IChoice | null;
  /** Seconds since the catalog was fetched: what to take off its ETAs. */
  readonly age: number;
  refresh(): Promise<void>;
  /** Keeps it fresh, while the page can be seen, until the result is disposed. */
  watch(): IDisposable;
  choose(model: string): Promise<void>;
  /** `hold`: seconds for which it is kept warm, also the one that is there. */
  start(model: string, cluster?: string, hold?: number): Promise<void>;
  /** Ends one replica, or all there are. */
  stop(model: string, cluster?: string, replica?: string): Promise<void>;
}

export const IFederation = new Token<IFederation>(
  'first-jupyter:IFederation',
  'The models that this user can reach, their states, and the current choice.'
);

export class Federation extends Mirror<ICatalog> implements IFederation {
  constructor(
    private readonly api: ControlApi,
    events: Event.Stream,
    page?: IPage
  ) {
    super(events, SCHEMAS, page);
  }

  get asked(): ISignal<this, string> {
    return this._asked;
  }

  get availability(): Availability {
    if (this.problem) {
      return this.problem instanceof ServerExtensionMissing
        ? 'missing'
        : 'unreachable';
    }
    return this.value ? 'ready' : 'loading';
  }

  get catalog(): ICatalog {
    return this.value ?? EMPTY;
  }

  get current(): IChoice | null {
    return currentChoice(this.catalog);
  }

  override dispose(): void {
    clearTimeout(this._secondLook);
    super.dispose();
  }

  async choose(model: string): Promise<void> {
    await this.api.choose(model);
    await this.refresh();
  }

  async start(model: string, cluster?: string, hold?: number): Promise<void> {
    await this.api.start(model, cluster, hold);
    this._asked.emit(model);
    await this.refresh();
  }

  async stop(model: string, cluster?: string, replica?: string): Promise<void> {
    await this.api.stop(model, cluster, replica);
    await this.refresh();
  }

  protected async load(): Promise<ICatalog> {
    clearTimeout(this._secondLook);
    try {
      const catalog = await this.api.catalog();
      if (offersOf(catalog).some(each => isUnderWay(each) || isBusy(each))) {
        this.lookAgain();
      }
      return catalog;
    } catch (error) {
      if (!(error instanceof ServerExtensionMissing)) {
        this.lookAgain();
      }
      throw error;
    }
  }

  protected override tellsOfChange(schema: string): boolean {
    return (
      super.tellsOfChange(schema) ||
      (schema === USAGE && offersOf(this.catalog).some(isBusy))
    );
  }

  private lookAgain(): void {
    if (this.isDisposed) {
      return;
    }
    this._secondLook = setTimeout(() => {
      // The status bar, which watches always, is content with events from a server that answers.
      if (this.isSeen && (this.problem || this.watchers > 1)) {
        void this.refresh();
      }
    }, SECOND_LOOK_MS);
  }

  private readonly _asked = new Signal<this, string>(this);
  private _secondLook: ReturnType<typeof setTimeout> | undefined;
}

function offersOf(catalog: ICatalog): IOffer[] {
  return catalog.models.flatMap(model => model.clusters);
}
