// The whole journey: log in, choose a model, start it, stream an answer, cancel one, stop the model, log out.
// Usage: node journey.mjs ADDRESS mouse|keyboard

import { onPage } from './chromium.mjs';
import { hands } from './hands.mjs';

const [, , address, way] = process.argv;
const STORY = '%%first --max-tokens 2000\nTell a very long story of a lighthouse keeper.';

await onPage(address, async page => {
  const { press, command, write, edit } = hands[way](page);
  const seen = {};
  const dialog = page.getByRole('dialog');
  const status = page.getByRole('button', { name: /Language model/ });
  await page.getByText(/\| Idle/).waitFor();

  // Log in. Globus opens in a tab of its own, where its user agrees at once; the code is pasted here.
  await command('Log In with Globus');
  const opened = page.context().waitForEvent('page');
  await press(dialog.getByRole('link', { name: 'Open Globus in a new tab' }));
  const globus = await opened;
  const code = await globus.locator('code').innerText();
  await globus.close();
  await write(dialog.getByRole('textbox'), code);
  await press(dialog.getByRole('button', { name: 'Log In' }));
  await dialog.waitFor({ state: 'detached' });
  await page.getByText(/Logged in as ada@lab.example/).first().waitFor();

  // Choose, and start.
  await press(status);
  await write(dialog.getByRole('combobox'), 'smollm2');
  await press(dialog.getByRole('button', { name: 'Choose' }));
  await dialog.waitFor({ state: 'detached' });
  seen.chosen = await status.innerText();
  await command('Start SmolLM2');
  await status.getByText(/starting|queued/).waitFor();
  seen.starting = await status.innerText();
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
  await command('Stop SmolLM2');
  await status.getByText('· cold').waitFor();
  await command('Log Out of Globus');
  await page.getByText(/Not logged in with Globus/).first().waitFor();
  return seen;
});
