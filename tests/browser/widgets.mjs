// The widgets of a notebook: a start is followed, and a replica is kept, looked into and stopped while a cell streams.
// Usage: node widgets.mjs ADDRESS

import { violations } from './axe.mjs';
import { onPage } from './chromium.mjs';

const [, , address] = process.argv;

await onPage(address, async page => {
  const cell = index => page.locator('.jp-CodeCell').nth(index);
  const [start, nodes, usage, picker, story] = [0, 1, 2, 3, 4].map(cell);
  const press = (where, name) => where.getByRole('button', { name }).click();
  const prompt = where => where.locator('.jp-InputPrompt').first().innerText();
  const seen = {};
  await page.getByText(/\| Idle/).waitFor();
  await page.locator('.jp-CodeCell .cm-content').first().click();
  for (let cells = 0; cells < 4; cells++) {
    await page.keyboard.press('Shift+Enter');
  }
  await picker.getByRole('button', { name: /Refresh$/ }).waitFor();

  seen.cold = await start.locator('[role=status]').innerText();
  await press(start, /Start$/);
  await start.getByRole('button', { name: /Cancel$/ }).waitFor();
  seen.found = { starting: await violations(page, '.jp-OutputArea') };
  await start.getByText(/: hot after/).waitFor();
  seen.hot = await start.locator('.jp-OutputArea-output').innerText();
  await nodes.getByText('1 warm').waitFor();

  await story.locator('.cm-content').click();
  await page.keyboard.press('Shift+Enter');
  await story.locator('.jp-OutputArea-output', { hasText: /\w+ \w+ \w+/ }).waitFor();
  await press(nodes, /Keep 1 h more$/);
  await nodes.getByText(/held until/).waitFor();
  await press(nodes, /Log$/);
  await nodes.locator('pre').waitFor();
  seen.log = await nodes.locator('pre').innerText();
  seen.story = await prompt(story);
  await usage.getByText('answer tokens').waitFor();
  seen.found.hot = await violations(page, '.jp-OutputArea');
  await page.screenshot({ path: `${process.env.SHOTS}/widgets.png` });

  // An answer that runs would have another replica started.
  await page.evaluate(() => window.jupyterapp.commands.execute('notebook:interrupt-kernel'));
  await story.locator('.jp-InputPrompt', { hasText: /\[\d+\]/ }).waitFor();
  await press(nodes, /Stop$/);
  await nodes.getByText('No node is warm').waitFor();
  return seen;
}, { viewport: { width: 1180, height: 1400 } });
