// `first-jupyter:commands`: choose, start and stop a model, from the palette and from anywhere else.

import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette, showErrorMessage } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';

import { ControlApi } from './api';
import type { IChoice } from './catalog';
import { resolve } from './catalog';
import { chooseModel } from './chooser';
import { CommandIDs } from './commandIds';
import type { IFederation as IFederationType } from './federation';
import { IFederation } from './federation';
import type { ILogOf } from './panel/logDialog';
import { showLog } from './panel/logDialog';
import type { ISettings as ISettingsType } from './settings';
import { ISettings } from './settings';
import { choiceName } from './words';

type Args = ReadonlyPartialJSONObject;

/** Arguments that start and stop take; without a model, the current one is meant. */
const argsSchema = {
  type: 'object',
  properties: {
    model: {
      type: 'string',
      description: 'An id, an alias, or either with @cluster'
    }
  }
};

function meant(federation: IFederationType, args: Args): IChoice | null {
  return typeof args['model'] === 'string'
    ? resolve(federation.catalog.models, args['model'])
    : federation.current;
}

const logSchema = {
  type: 'object',
  required: ['model', 'cluster'],
  properties: {
    model: { type: 'string', description: 'An id' },
    cluster: { type: 'string', description: 'Where it runs, or failed' },
    replica: { type: 'string', description: 'One that runs' }
  }
};

function startOrStop(
  federation: IFederationType,
  settings: ISettingsType,
  trans: TranslationBundle,
  verb: 'start' | 'stop'
): CommandRegistry.ICommandOptions {
  const starts = verb === 'start';
  const name = (args: Args): string => {
    const choice = meant(federation, args);
    return choice ? choiceName(choice) : trans.__('the current model');
  };
  return {
    label: args =>
      starts
        ? trans.__('Start %1', name(args))
        : trans.__('Stop %1', name(args)),
    caption: starts
      ? trans.__('Have the model ready before it is asked')
      : trans.__('Let running answers end, then give the node back'),
    describedBy: { args: argsSchema },
    isEnabled: args => meant(federation, args) !== null,
    execute: async args => {
      const choice = meant(federation, args);
      if (!choice) {
        return;
      }
      const cluster = choice.pinned ? choice.offer?.cluster : undefined;
      try {
        await (starts
          ? federation.start(choice.model.id, cluster, settings.hold)
          : federation.stop(choice.model.id, cluster));
      } catch (error) {
        const title = starts
          ? trans.__('%1 could not be started', name(args))
          : trans.__('%1 could not be stopped', name(args));
        await showErrorMessage(title, error as Error);
      }
    }
  };
}

export const commandsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'first-jupyter:commands',
  description: 'Commands to choose, start and stop a model.',
  autoStart: true,
  requires: [IFederation, ISettings],
  optional: [ICommandPalette, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    federation: IFederationType,
    settings: ISettingsType,
    palette: ICommandPalette | null,
    translator: ITranslator | null
  ): void => {
    const { commands } = app;
    const trans = (translator ?? nullTranslator).load('first_jupyter');

    commands.addCommand(CommandIDs.chooseModel, {
      label: trans.__('Choose a Model…'),
      caption: trans.__('Choose the language model that answers by default'),
      describedBy: { args: { type: 'object', properties: {} } },
      execute: () => chooseModel(federation, settings, trans)
    });
    commands.addCommand(
      CommandIDs.startModel,
      startOrStop(federation, settings, trans, 'start')
    );
    commands.addCommand(
      CommandIDs.stopModel,
      startOrStop(federation, settings, trans, 'stop')
    );

    const api = new ControlApi(app.serviceManager.serverSettings);
    commands.addCommand(CommandIDs.showLog, {
      label: trans.__('Show Log'),
      caption: trans.__('Show the last lines of a replica’s log'),
      describedBy: { args: logSchema },
      execute: args => showLog(args as unknown as ILogOf, api, trans)
    });

    const { chooseModel: choose, startModel, stopModel } = CommandIDs;
    for (const command of [choose, startModel, stopModel]) {
      palette?.addItem({ command, category: trans.__('FIRST') });
      federation.changed.connect(() => commands.notifyCommandChanged(command));
    }
  }
};
