// A menu that drops from a button, and gives the focus back to it.

import { MenuSvg } from '@jupyterlab/ui-components';
import { CommandRegistry } from '@lumino/commands';

import type { IStep } from './parts';

export function dropMenu(button: HTMLElement, steps: readonly IStep[]): void {
  const commands = new CommandRegistry();
  const menu = new MenuSvg({ commands });
  steps.forEach(({ label, act }, index) => {
    const command = String(index);
    commands.addCommand(command, { label, execute: () => act(button) });
    menu.addItem({ command });
  });
  menu.aboutToClose.connect(() => button.focus());
  const { left, bottom } = button.getBoundingClientRect();
  menu.open(left, bottom);
  menu.activateNextItem();
}
