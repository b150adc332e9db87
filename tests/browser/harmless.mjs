// A model that means harm: its answers are shown in a notebook, and after them the same text as Jupyter shows it itself.
// Usage: node harmless.mjs ADDRESS

import { onPage } from './chromium.mjs';

const [, , address] = process.argv;

await onPage(address, async page => {
  const cell = index => page.locator('.jp-CodeCell').nth(index);
  const acted = () => page.evaluate(() => window.acted ?? []);
  const output = cell(0).locator('.jp-OutputArea-output').last();
  await page.getByText(/\| Idle/).waitFor();
  await cell(0).locator('.cm-content').click();
  await page.keyboard.press('Shift+Enter');
  await output.getByText(/· campus ·/).waitFor();
  const seen = {
    text: await output.innerText(),
    tags: await output.locator('img, script, iframe, svg').count(),
    code: await output.locator('code').allInnerTexts(),
    answer: await acted()
  };
  await page.screenshot({ path: `${process.env.SHOTS}/harmless.png` });
  await page.keyboard.press('Shift+Enter');
  await page.waitForFunction(() => window.acted?.length);
  seen.jupyter = await acted();
  return seen;
});
