// The control API, `/first/api`: what it answers, and the requests that the browser makes.

import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

import type { IBegunLogin, ILogin } from './loginApi';

/** What a model can be in on a cluster. */
export type State =
  'hot' | 'starting' | 'queued' | 'cold' | 'draining' | 'offline';

/** One cluster's offer to serve a model. */
export interface IOffer {
  cluster: string;
  kind: string;
  backend: string;
  state: State;
  stage: string | null;
  reason: string;
  /** From 0 to 1, where known. */
  progress: number | null;
  /** Seconds until it is hot, where known. */
  eta: number | null;
  replicas: number;
  running: number;
  waiting: number;
}

export interface IModel {
  id: string;
  aliases: string[];
  abilities: string[];
  context: number | null;
  clusters: IOffer[];
}

export interface ICatalog {
  /** The current choice: an id, an alias, or either with `@cluster`. */
  current: string | null;
  models: IModel[];
}

/** The server answered, but knows nothing of `/first/api`. */
export class ServerExtensionMissing extends Error {}

export class ControlApi {
  constructor(private readonly settings: ServerConnection.ISettings) {}

  async catalog(): Promise<ICatalog> {
    // A glance at the status bar must not keep an idle server from being culled.
    return (await this.request(
      'GET',
      'models?no_track_activity=1'
    )) as ICatalog;
  }

  async choose(model: string): Promise<void> {
    await this.request('PUT', 'current', { model });
  }

  async start(model: string, cluster?: string): Promise<void> {
    await this.request('POST', 'models/start', { model, cluster });
  }

  async stop(model: string, cluster?: string): Promise<void> {
    await this.request('POST', 'models/stop', { model, cluster });
  }

  async login(): Promise<ILogin> {
    return (await this.request('GET', 'login?no_track_activity=1')) as ILogin;
  }

  /** Begins a login, unless one was begun; `force` begins another. */
  async beginLogin(force: boolean): Promise<IBegunLogin> {
    return (await this.request('POST', 'login', { force })) as IBegunLogin;
  }

  /** Uses the login of another tool. */
  async adoptLogin(tool: string): Promise<ILogin> {
    return (await this.request('POST', 'login', { tool })) as ILogin;
  }

  async finishLogin(code: string): Promise<ILogin> {
    return (await this.request('POST', 'login/code', { code })) as ILogin;
  }

  async cancelLogin(): Promise<ILogin> {
    return (await this.request('DELETE', 'login')) as ILogin;
  }

  async logout(): Promise<ILogin> {
    return (await this.request('POST', 'logout', {})) as ILogin;
  }

  private async request(
    method: string,
    route: string,
    body?: object
  ): Promise<unknown> {
    const url = URLExt.join(this.settings.baseUrl, 'first/api', route);
    const init: RequestInit = { method };
    if (body) {
      init.body = JSON.stringify(body);
    }
    const response = await ServerConnection.makeRequest(
      url,
      init,
      this.settings
    );
    const answer = parse(await response.text());
    if (response.ok) {
      return answer;
    }
    const message = errorMessage(answer);
    if (response.status === 404 && !isOurs(answer)) {
      throw new ServerExtensionMissing();
    }
    throw new Error(
      message ?? `${method} first/api/${route} answered ${response.status}`
    );
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Our errors have OpenAI's shape; Jupyter's own have a plain message. */
function isOurs(answer: unknown): boolean {
  return typeof answer === 'object' && answer !== null && 'error' in answer;
}

function errorMessage(answer: unknown): string | undefined {
  const shaped = answer as {
    error?: { message?: string };
    message?: string;
  } | null;
  return shaped?.error?.message ?? shaped?.message;
}
