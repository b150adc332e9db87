// Asks about a file in its console, which opens below it where there is none.

import type { ConsolePanel } from '@jupyterlab/console';
import type { IDocumentWidget } from '@jupyterlab/docregistry';
import type { FileEditor } from '@jupyterlab/fileeditor';
import type { CommandRegistry } from '@lumino/commands';

import { selectedIn, withMagics } from './cells';
import { questionCode } from './snippets';

export async function askBelow(
  file: IDocumentWidget<FileEditor>,
  known: (path: string) => ConsolePanel | undefined,
  commands: CommandRegistry
): Promise<void> {
  const { editor } = file.content;
  const text = selectedIn(editor) || editor.model.sharedModel.getSource();
  if (!text.trim()) {
    return;
  }
  const { path } = file.context;
  const panel = known(path) ?? (await open(file, commands));
  const { console, sessionContext } = panel;
  await sessionContext.ready;
  const question = questionCode(text, languageOf(editor.model.mimeType));
  for (const code of await withMagics(
    sessionContext.session?.kernel,
    question
  )) {
    await console.inject(code);
  }
}

async function open(
  file: IDocumentWidget<FileEditor>,
  commands: CommandRegistry
): Promise<ConsolePanel> {
  const panel = await commands.execute('console:create', {
    path: file.context.path,
    kernelPreference: { language: 'python', autoStartDefault: true },
    ref: file.id,
    insertMode: 'split-bottom',
    activate: false
  });
  return panel as ConsolePanel;
}

/** The language of code; none of prose. */
function languageOf(mimeType: string): string | undefined {
  if (/plain|gfm|markdown/.test(mimeType)) {
    return undefined;
  }
  return mimeType.includes('python') ? 'python' : '';
}
