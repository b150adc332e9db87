// `first-jupyter:notebook`: commands for the cell at hand, or the file.

import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import type { ConsolePanel } from '@jupyterlab/console';
import { IConsoleTracker } from '@jupyterlab/console';
import type { IDocumentWidget } from '@jupyterlab/docregistry';
import type { FileEditor } from '@jupyterlab/fileeditor';
import { IEditorTracker } from '@jupyterlab/fileeditor';
import type { NotebookPanel } from '@jupyterlab/notebook';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { ask, failedRun, isOurs, isPython, put, selectedText } from './cells';
import { CommandIDs } from './commandIds';
import { askBelow } from './fileConsole';
import { explainIcon } from './icons';
import type { ISettings as ISettingsType } from './settings';
import { ISettings } from './settings';
import { clientCode, fixCode, questionCode } from './snippets';

const describedBy = { args: { type: 'object' as const, properties: {} } };

export const notebookPlugin: JupyterFrontEndPlugin<void> = {
  id: 'first-jupyter:notebook',
  description: 'Commands that ask a model about a cell, or insert code.',
  autoStart: true,
  requires: [ISettings],
  optional: [
    INotebookTracker,
    IConsoleTracker,
    IEditorTracker,
    ICommandPalette,
    ITranslator
  ],
  activate: (
    app: JupyterFrontEnd,
    settings: ISettingsType,
    notebooks: INotebookTracker | null,
    consoles: IConsoleTracker | null,
    editors: IEditorTracker | null,
    palette: ICommandPalette | null,
    translator: ITranslator | null
  ): void => {
    const { commands, shell } = app;
    const trans = (translator ?? nullTranslator).load('first_jupyter');

    const isCurrent = (widget: unknown): boolean =>
      widget !== null && widget === shell.currentWidget;
    const notebook = (): NotebookPanel | null => {
      const panel = notebooks?.currentWidget ?? null;
      return panel && isCurrent(panel) && isPython(panel) ? panel : null;
    };
    const file = (): IDocumentWidget<FileEditor> | null => {
      const widget = editors?.currentWidget ?? null;
      return consoles && isCurrent(widget) ? widget : null;
    };
    const consoleOf = (path: string): ConsolePanel | undefined =>
      consoles?.find(panel => panel.sessionContext.session?.path === path);
    /** Puts code where the person works; tells whether there is such a place. */
    const insertion = (): ((code: string) => void) | null => {
      const panel = notebook();
      if (panel) {
        return code => put(panel.content, code);
      }
      const text = isCurrent(editors?.currentWidget ?? null)
        ? editors?.currentWidget?.content.editor
        : isCurrent(consoles?.currentWidget ?? null)
          ? consoles?.currentWidget?.console.promptCell?.editor
          : null;
      return text ? code => text.replaceSelection?.(code) : null;
    };
    const failed = (): number | null => {
      const panel = notebook();
      return panel && failedRun(panel.content);
    };

    commands.addCommand(CommandIDs.insertClient, {
      label: trans.__('Insert Client Code'),
      caption: trans.__('Insert code that asks the current model'),
      describedBy,
      isEnabled: () => insertion() !== null,
      execute: () => insertion()?.(clientCode(settings.client))
    });
    commands.addCommand(CommandIDs.explainError, {
      label: trans.__('Explain This Error'),
      caption: trans.__('Have the current model explain and mend this cell'),
      icon: explainIcon,
      describedBy,
      isVisible: () => failed() !== null,
      isEnabled: () => failed() !== null,
      execute: async () => {
        const [panel, run] = [notebook(), failed()];
        if (panel && run !== null) {
          await ask(panel, fixCode(run));
        }
      }
    });
    commands.addCommand(CommandIDs.sendSelection, {
      label: trans.__('Send Selection to the Model'),
      caption: trans.__(
        'Ask the current model about what is selected, or about the whole cell or file'
      ),
      describedBy,
      isEnabled: () => Boolean(notebook()?.content.activeCell ?? file()),
      execute: async () => {
        const panel = notebook();
        const cell = panel?.content.activeCell;
        if (panel && cell) {
          const isCode = cell.model.type === 'code' && !isOurs(cell);
          const text = selectedText(cell);
          if (text.trim()) {
            await ask(panel, questionCode(text, isCode ? 'python' : undefined));
          }
          return;
        }
        const open = file();
        if (open) {
          await askBelow(open, consoleOf, commands);
        }
      }
    });

    const { insertClient, explainError, sendSelection } = CommandIDs;
    for (const command of [insertClient, explainError, sendSelection]) {
      palette?.addItem({ command, category: trans.__('FIRST') });
    }
    const changed = (): void => commands.notifyCommandChanged(explainError);
    notebooks?.activeCellChanged.connect((_, cell) => {
      changed();
      cell?.model.contentChanged.connect(changed);
    });
  }
};
