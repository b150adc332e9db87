// What was used, as the browser knows it.

import type { Event } from '@jupyterlab/services';

import type { ControlApi } from './api';
import { Mirror } from './mirror';
import type { IUsage } from './usageApi';

const SCHEMA = 'https://first-jupyter.org/events/usage/v1';

export class Usage extends Mirror<IUsage> {
  constructor(
    private readonly api: ControlApi,
    events: Event.Stream
  ) {
    super(events, [SCHEMA]);
  }

  protected load(): Promise<IUsage> {
    return this.api.usage();
  }
}
