// What our commands look at in a notebook, and how they add to it.

import type { Cell, CodeCell } from '@jupyterlab/cells';
import type { CodeEditor } from '@jupyterlab/codeeditor';
import type { Notebook, NotebookPanel } from '@jupyterlab/notebook';
import { NotebookActions } from '@jupyterlab/notebook';
import type { Kernel } from '@jupyterlab/services';

import { LOAD } from './snippets';

export function isPython(panel: NotebookPanel): boolean {
  return panel.content.codeMimetype.includes('python');
}

/** Whether a cell is itself a question or a command of ours. */
export function isOurs(cell: Cell): boolean {
  return /^%%?first\b/.test(cell.model.sharedModel.getSource());
}

/** The number of the active cell's last run, if that failed. */
export function failedRun(notebook: Notebook): number | null {
  const cell = notebook.activeCell;
  if (cell?.model.type !== 'code' || isOurs(cell)) {
    return null;
  }
  const { outputs, executionCount } = (cell as CodeCell).model;
  for (let index = 0; index < outputs.length; index++) {
    if (outputs.get(index).type === 'error') {
      return executionCount;
    }
  }
  return null;
}

/** What is selected in an editor; nothing where only its cursor stands. */
export function selectedIn(editor: CodeEditor.IEditor): string {
  const { start, end } = editor.getSelection();
  const [from, to] = [editor.getOffsetAt(start), editor.getOffsetAt(end)];
  const source = editor.model.sharedModel.getSource();
  return source.slice(Math.min(from, to), Math.max(from, to));
}

/** The text that is selected in a cell, in its editor or as the page shows it, or all of it. */
export function selectedText(cell: Cell): string {
  const shown = window.getSelection();
  const isOfCell = shown?.anchorNode && cell.node.contains(shown.anchorNode);
  return (
    (cell.editor && selectedIn(cell.editor)) ||
    (isOfCell && shown.toString()) ||
    cell.model.sharedModel.getSource()
  );
}

/** Puts code into the active cell if that is empty and takes code, else into a new one below. */
export function put(notebook: Notebook, code: string): void {
  const cell = notebook.activeCell;
  const isFree =
    cell?.model.type === 'code' && !cell.model.sharedModel.getSource().trim();
  if (!isFree) {
    NotebookActions.insertBelow(notebook);
  }
  notebook.activeCell?.model.sharedModel.setSource(code);
}

/** Adds cells below the active one and runs them; one that loads the magics comes first where the kernel lacks them. */
export async function ask(panel: NotebookPanel, code: string): Promise<void> {
  const { content: notebook, sessionContext } = panel;
  const below = notebook.activeCell;
  const kernel = sessionContext.session?.kernel;
  const codes = await withMagics(kernel, code);
  const index = notebook.widgets.findIndex(cell => cell === below);
  notebook.activeCellIndex = Math.max(index, 0);
  for (const each of codes) {
    NotebookActions.insertBelow(notebook);
    notebook.activeCell?.model.sharedModel.setSource(each);
    void NotebookActions.run(notebook, sessionContext);
  }
}

/** What has to be run for the code: also what loads the magics, where the kernel lacks them. */
export async function withMagics(
  kernel: Kernel.IKernelConnection | null | undefined,
  code: string
): Promise<string[]> {
  return !kernel || (await hasMagics(kernel)) ? [code] : [LOAD, code];
}

async function hasMagics(kernel: Kernel.IKernelConnection): Promise<boolean> {
  const future = kernel.requestExecute({
    code: '',
    silent: true,
    store_history: false,
    user_expressions: {
      loaded: "get_ipython().find_line_magic('first') is not None"
    }
  });
  const { content } = await future.done;
  if (content.status !== 'ok') {
    return false;
  }
  const told = content.user_expressions['loaded'] as
    { data?: Record<string, string> } | undefined;
  return told?.data?.['text/plain'] === 'True';
}
