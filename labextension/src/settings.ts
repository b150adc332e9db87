// `first-jupyter:settings`: what a person has set, or an administrator for everybody.

import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import { Token } from '@lumino/coreutils';

const ID = 'first-jupyter:settings';

export type Client = 'first_jupyter' | 'openai';

export interface ISettings {
  /** Resolves when they are known; until then they are the defaults. */
  readonly known: Promise<void>;
  /** Seconds for which a start keeps its model; none: for as long as it is used. */
  readonly hold: number | undefined;
  readonly startNotifications: boolean;
  readonly loginReminder: boolean;
  readonly client: Client;
}

export const ISettings = new Token<ISettings>(
  'first-jupyter:ISettings',
  'What a person has set of FIRST.'
);

class Settings implements ISettings {
  constructor(registry: ISettingRegistry | null) {
    this.known = this.load(registry);
  }

  readonly known: Promise<void>;

  get hold(): number | undefined {
    const minutes = this.read('holdMinutes', 0);
    return minutes > 0 ? minutes * 60 : undefined;
  }

  get startNotifications(): boolean {
    return this.read('startNotifications', true);
  }

  get loginReminder(): boolean {
    return this.read('loginReminder', true);
  }

  get client(): Client {
    return this.read<Client>('client', 'first_jupyter');
  }

  private async load(registry: ISettingRegistry | null): Promise<void> {
    try {
      const settings = await registry?.load(ID);
      this.values = () => settings?.composite ?? {};
    } catch (error) {
      console.warn(`The settings of FIRST are not there: ${error}`);
    }
  }

  private read<T>(name: string, otherwise: T): T {
    return (this.values()[name] as T | undefined) ?? otherwise;
  }

  private values = (): ReadonlyPartialJSONObject => ({});
}

export const settingsPlugin: JupyterFrontEndPlugin<ISettings> = {
  id: ID,
  description: 'Knows what a person has set of FIRST.',
  autoStart: true,
  provides: ISettings,
  optional: [ISettingRegistry],
  activate: (_, registry: ISettingRegistry | null): ISettings =>
    new Settings(registry)
};
