// The whole journey: log in, choose a model, start it, stream an answer, cancel one, stop the model, log out.
// Usage: node journey.mjs ADDRESS mouse|keyboard

import { onPage } from './chromium.mjs';
import { hands } from './hands.mjs';
import { Panel } from './panel.mjs';

const [, , address, way] = process.argv;
const STORY = '%%first --max-tokens 2000\nTell a very long story of a lighthouse keeper.';

await onPage(address, async page => {
  const { press, pick, command, write, edit } = hands[way](page);
  const seen = {};
  const dialog = page.getByRole('dialog');
  const panel = new Panel(page);
  const status = page.getByRole('button', { name: /Language model/ });
  await page.getByText(/\| Idle/).waitFor();
  await command('Show FIRST');

  // Log in. Globus opens in a tab of its own, where its user agrees at once; the code is pasted here.
  await press(panel.section('account').getByRole('button', { name: 'Log In with Globus…' }));
  const opened = page.context().waitForEvent('page');
  await press(dialog.getByRole('link', { name: 'Open Globus in a new tab' }));
  const globus = await opened;
  const code = await globus.locator('code').innerText();
  await globus.close();
  await write(dialog.getByRole('textbox'), code);
  await press(dialog.getByRole('button', { name: 'Log In' }));
  await dialog.waitFor({ state: 'detached' });
  const logOut = panel.section('account').getByRole('button', { name: 'Log Out' });
  await logOut.waitFor();
  seen.account = await panel.section('account').innerText();

  // Choose another model and the small one again, and start that; its stages are told.
  const models = panel.section('models');
  await write(models.getByRole('searchbox'), 'local');
  await press(models.getByRole('button', { name: 'Choose mistyped-option' }));
  await status.getByText('mistyped-option').waitFor();
  await press(models.getByRole('button', { name: 'Choose SmolLM2-135M-Instruct' }));
  await status.getByText('SmolLM2').waitFor();
  await pick(models.getByRole('button', { name: /Start .*SmolLM2/ }), 'For at Least 1 Hour');
  seen.progress = await models.getByText(/^(queued|starting)/).first().innerText();
  await status.getByText('· hot').waitFor();

  // Stream an answer, and cancel it.
  const cells = page.locator('.jp-CodeCell');
  await edit(cells.first());
  await page.keyboard.type('%load_ext first_jupyter');
  await page.keyboard.press('Shift+Enter');
  await page.keyboard.type(STORY);
  await page.keyboard.press('Shift+Enter');
  const outputs = cells.nth(1).locator('.jp-OutputArea-output');
  await page.waitForFunction(() => {
    const outputs = document.querySelectorAll('.jp-CodeCell')[1].querySelectorAll('.jp-OutputArea-output');
    return [...outputs].at(-1)?.textContent.length > 100;
  });
  await command('Interrupt Kernel');
  await cells.nth(1).locator('.jp-InputPrompt', { hasText: /\[\d+\]/ }).waitFor();
  seen.answer = (await outputs.allInnerTexts()).join('\n');

  // Stop, and log out.
  const warm = panel.section('warm-nodes');
  seen.warm = await warm.innerText();
  await press(warm.getByRole('button', { name: /^Stop/ }));
  await warm.getByText('No node is warm').waitFor();
  await status.getByText('· cold').waitFor();
  await press(logOut);
  await panel.section('account').getByText('Not logged in with Globus').waitFor();
  return seen;
});
