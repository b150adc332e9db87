// Works in a notebook with our commands, and watches a start, in one JupyterLab.
// Usage: node notebook_commands.mjs ADDRESS

import { onPage } from './chromium.mjs';

const SHOTS = process.env.SHOTS;
const seen = {};

await onPage(process.argv[2], async page => {
  const run = (command, args = {}) =>
    page.evaluate(async ([name, given]) => void (await window.jupyterapp.commands.execute(name, given)), [command, args]);
  const sources = () =>
    page.evaluate(() => window.jupyterapp.shell.currentWidget.content.widgets.map(cell => cell.model.sharedModel.getSource()));
  const picture = name => page.screenshot({ path: `${SHOTS}/${name}.png` });
  const toast = page.locator('.Toastify__toast-container .Toastify__toast');
  const start = toast.filter({ hasText: 'gated on local' });
  /** What the cell that begins so has been answered, once that is more than a line that says what it waits for; then it is interrupted. */
  const answered = async beginning => {
    const answer = await page.waitForFunction(text => {
      const cells = window.jupyterapp.shell.currentWidget.content.widgets;
      const asked = cells.findLast(cell => cell.model.sharedModel.getSource().startsWith(text));
      const said = asked?.node.querySelector('.jp-RenderedMarkdown')?.textContent ?? '';
      return (asked?.model.executionCount !== null || said.length > 150) && said;
    }, beginning);
    await run('notebook:interrupt-kernel');
    await page.getByText(/\| Idle/).waitFor();
    return answer.jsonValue();
  };

  // Answers come soon then.
  await page.getByRole('button', { name: /Language model/ }).getByText('·').waitFor();
  await run('first:start-model');

  // The launcher's card opens a copy, and the same one when it is pressed again.
  const card = page.locator('.jp-LauncherCard', { hasText: 'FIRST Quickstart' });
  await card.click();
  await page.getByRole('heading', { name: 'Quickstart' }).waitFor();
  await page.getByText(/\| Idle/).waitFor();
  await run('notebook:replace-selection', { text: 'mine' });
  await run('docmanager:save');
  await run('first:quickstart');
  seen.quickstart = await page.evaluate(() => window.jupyterapp.shell.currentWidget.context.path);
  await run('application:close-all');
  await run('docmanager:open', { path: 'empty.ipynb' });
  await page.getByText(/\| Idle/).waitFor();
  await page.evaluate(() => window.jupyterapp.shell.currentWidget.sessionContext.ready);

  // Client code goes into the empty cell, and below one that is not.
  const notebook = page.locator('.jp-NotebookPanel:not(.lm-mod-hidden)');
  await notebook.locator('.jp-Cell .cm-content').first().click();
  await page.keyboard.press('Alt+Shift+C');
  await page.keyboard.press('Alt+Shift+C');
  seen.clients = await sources();

  await page.getByRole('button', { name: /Language model/ }).getByText('· hot').waitFor();

  // A failed cell has a bulb, which no other cell has.
  await page.keyboard.press('Control+A');
  await page.keyboard.type('total = {1: 2}\ntotal[3]');
  const bulb = notebook.locator('.jp-cell-toolbar [data-command="first:explain-error"]');
  seen.bulbBefore = await bulb.isVisible();
  await page.keyboard.press('Control+Enter');
  await notebook.locator('.jp-OutputArea-output', { hasText: 'KeyError' }).waitFor();
  await picture('failed-cell');
  await bulb.click();
  seen.answers = [await answered('%first fix')];
  seen.explained = (await sources()).slice(2);
  await picture('explained');

  // A selection is asked about, by the keyboard.
  await page.evaluate(() => {
    const { content } = window.jupyterapp.shell.currentWidget;
    content.activeCellIndex = 1;
    content.activeCell.editor.setSelection({ start: { line: 0, column: 0 }, end: { line: 0, column: 14 } });
    content.activate();
  });
  await page.keyboard.press('Alt+Shift+S');
  seen.answers.push(await answered('%%first'));
  seen.sent = (await sources())[2];

  // Of a file it is asked in the file's console.
  await run('docmanager:open', { path: 'script.py' });
  await page.locator('.jp-FileEditor .cm-content').click();
  await page.keyboard.press('Alt+Shift+S');
  const asked = page.locator('.jp-CodeConsole-content .jp-CodeCell', { hasText: '%%first' });
  await asked.locator('.jp-OutputArea-output').first().waitFor();
  seen.inConsole = await page.locator('.jp-CodeConsole-content .jp-CodeCell .cm-content').allInnerTexts();
  await picture('file-console');
  await run('console:interrupt-kernel');

  // A start is told of, goes on in the notification centre when it is put away, comes again with the page, and is cancelled.
  await run('first:start-model', { model: 'gated' });
  await start.waitFor();
  seen.started = await start.innerText();
  await picture('start');
  await start.locator('.jp-Notification-Toast-Close').click();
  await start.waitFor({ state: 'detached' });
  await run('apputils:display-notifications');
  await page.locator('.jp-Notification-List').getByText('gated on local').waitFor();
  await picture('start-in-centre');
  seen.onScreen = await start.count();
  await page.reload();
  await start.getByRole('button', { name: 'Open Panel' }).click();
  await page.locator('[id="first-jupyter:panel"]').waitFor();
  await start.getByRole('button', { name: 'Cancel' }).click();
  await start.getByText(/was stopped|starts no more/).waitFor();

  // One that fails says why, and shows its log.
  await run('first:start-model', { model: 'broken' });
  const failure = toast.filter({ hasText: 'did not start' });
  await failure.waitFor();
  seen.failed = await failure.innerText();
  await picture('failed-start');
  await failure.getByRole('button', { name: 'Show Log' }).click();
  await page.getByRole('dialog').getByRole('region', { name: /Log of/ }).waitFor();
  seen.log = await page.getByRole('dialog').innerText();
  await picture('log');
  return seen;
});
