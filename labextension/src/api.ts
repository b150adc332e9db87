// The control API, `/first/api`: what it answers, and the requests that the browser makes.

import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

import type { ICluster, IOffered, Path } from './clustersApi';
import type { IBegunLogin, ILogin } from './loginApi';
import type { IUsage } from './usageApi';

/** What a model can be in on a cluster. */
export type State =
  'hot' | 'starting' | 'queued' | 'cold' | 'draining' | 'offline';

/** How long one replica lives, ready or on its way; moments in seconds since 1970. */
export interface ILease {
  replica: string;
  stage: string;
  node: string | null;
  /** The scheduler's name for its job. */
  job: string | null;
  /** When it was asked for, where known. */
  since: number | null;
  held_until: number | null;
  /** When it ends if nobody uses it any more. */
  expires: number | null;
  /** When its job's time is up. */
  job_ends: number | null;
  /** The replica that it is to succeed. */
  follows: string | null;
  path: Path | null;
}

/** One stage of a start that is under way; times in seconds. */
export interface IStage {
  stage: string;
  state: 'done' | 'now' | 'ahead';
  /** What it took, or has taken so far. */
  seconds: number | null;
  /** What it usually takes here. */
  usual: number | null;
}

/** The end of a replica's log. */
export interface ILog {
  cluster: string;
  replica: string;
  node: string | null;
  /** When it failed, in seconds since 1970, or when it was looked at. */
  at: number;
  /** Why it failed; empty where it runs. */
  reason: string;
  lines: string[];
  /** The file on the node that has all of it. */
  file: string | null;
}

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
  leases: ILease[];
  /** Of the start that is under way. */
  stages: IStage[];
  startable: boolean;
  /** Why it cannot be stopped from here; empty where it can. */
  unstoppable: string;
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
    return (await this.read('models')) as ICatalog;
  }

  async choose(model: string): Promise<void> {
    await this.request('PUT', 'current', { model });
  }

  /** `hold`: seconds for which it is kept warm, from when it is ready; also the one that is there. */
  async start(model: string, cluster?: string, hold?: number): Promise<void> {
    await this.request('POST', 'models/start', { model, cluster, hold });
  }

  /** Ends one replica, or all there are. */
  async stop(model: string, cluster?: string, replica?: string): Promise<void> {
    await this.request('POST', 'models/stop', { model, cluster, replica });
  }

  /** The log of a replica that runs, or of the last one that failed. */
  async log(model: string, cluster: string, replica?: string): Promise<ILog> {
    const asked = new URLSearchParams({ model, cluster });
    if (replica) {
      asked.set('replica', replica);
    }
    return (await this.read(`models/log?${asked}`)) as ILog;
  }

  async usage(): Promise<IUsage> {
    return (await this.read('usage')) as IUsage;
  }

  async clusters(): Promise<ICluster[]> {
    const answer = await this.read('clusters');
    return (answer as { clusters: ICluster[] }).clusters;
  }

  /** What could be added; asks Globus, and takes its time. */
  async offered(): Promise<IOffered> {
    return (await this.read('clusters/offers')) as IOffered;
  }

  /** Adds an endpoint, by its id or by the name of one that is offered. */
  async addCluster(endpoint: string, name?: string): Promise<ICluster> {
    return (await this.request('POST', 'clusters', {
      endpoint,
      name
    })) as ICluster;
  }

  async login(): Promise<ILogin> {
    return (await this.read('login')) as ILogin;
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

  private read(route: string): Promise<unknown> {
    // A glance at the status bar must not keep an idle server from being culled.
    const mark = route.includes('?') ? '&' : '?';
    return this.request('GET', `${route}${mark}no_track_activity=1`);
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
