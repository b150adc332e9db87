// The plugins, each of which can be disabled alone.

import type { JupyterFrontEndPlugin } from '@jupyterlab/application';

import { commandsPlugin } from './commands';
import { loginPlugin } from './login';
import { federationPlugin } from './plugin';
import { statusPlugin } from './status';

const plugins: JupyterFrontEndPlugin<unknown>[] = [
  federationPlugin,
  commandsPlugin,
  loginPlugin,
  statusPlugin
];

export default plugins;
