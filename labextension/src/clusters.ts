// The clusters as the browser knows them, what could be added to them, and the way to add it.

import type { Event } from '@jupyterlab/services';

import type { ControlApi } from './api';
import type { ICluster, IOffered } from './clustersApi';
import { Mirror } from './mirror';

const SCHEMA = 'https://first-jupyter.org/events/clusters/v1';

export class Clusters extends Mirror<ICluster[]> {
  constructor(
    private readonly api: ControlApi,
    events: Event.Stream
  ) {
    super(events, [SCHEMA]);
  }

  /** What could be added; takes its time. */
  offered(): Promise<IOffered> {
    return this.api.offered();
  }

  /** Adds an endpoint, by its id or by the name of one that is offered; takes its time. */
  async add(endpoint: string, name?: string): Promise<ICluster> {
    const cluster = await this.api.addCluster(endpoint, name);
    await this.refresh();
    return cluster;
  }

  protected load(): Promise<ICluster[]> {
    return this.api.clusters();
  }
}
