// The login as the browser knows it, and ways to change it.

import type { Event } from '@jupyterlab/services';
import { Token } from '@lumino/coreutils';
import type { IDisposable } from '@lumino/disposable';
import type { ISignal } from '@lumino/signaling';

import type { ControlApi } from './api';
import type { IBegunLogin, ILogin } from './loginApi';
import { Mirror } from './mirror';

const SCHEMA = 'https://first-jupyter.org/events/login/v1';

export interface IAccount {
  readonly changed: ISignal<IAccount, void>;
  /** None until it is known. */
  readonly login: ILogin | null;
  /** Why that could not be learnt, if so. */
  readonly problem: Error | null;
  refresh(): Promise<void>;
  /** Keeps it fresh, while the page can be seen, until the result is disposed. */
  watch(): IDisposable;
  /** Begin a login; `force` where one is logged in already. */
  begin(force: boolean): Promise<IBegunLogin>;
  finish(code: string): Promise<void>;
  cancel(): Promise<void>;
  /** Use the login of another tool. */
  adopt(tool: string): Promise<void>;
  logout(): Promise<void>;
}

export const IAccount = new Token<IAccount>(
  'first-jupyter:IAccount',
  'Who is logged in with Globus, and ways to log in and out.'
);

export class Account extends Mirror<ILogin> implements IAccount {
  constructor(
    private readonly api: ControlApi,
    events: Event.Stream
  ) {
    super(events, [SCHEMA]);
  }

  get login(): ILogin | null {
    return this.value;
  }

  async begin(force: boolean): Promise<IBegunLogin> {
    return this.api.beginLogin(force);
  }

  async finish(code: string): Promise<void> {
    this.set(await this.api.finishLogin(code));
  }

  async cancel(): Promise<void> {
    this.set(await this.api.cancelLogin());
  }

  async adopt(tool: string): Promise<void> {
    this.set(await this.api.adoptLogin(tool));
  }

  async logout(): Promise<void> {
    this.set(await this.api.logout());
  }

  protected load(): Promise<ILogin> {
    return this.api.login();
  }
}
