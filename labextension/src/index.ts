// The plugins, each of which can be disabled alone.

import type { JupyterFrontEndPlugin } from '@jupyterlab/application';

import { commandsPlugin } from './commands';
import { loginPlugin } from './login';
import { panelPlugin } from './panel/plugin';
import { federationPlugin } from './plugin';
import { statusPlugin } from './status';

const plugins: JupyterFrontEndPlugin<unknown>[] = [
  federationPlugin,
  commandsPlugin,
  loginPlugin,
  statusPlugin,
  panelPlugin
];

export default plugins;
