// Types a prompt into a cell, and watches the answer grow.
// Usage: node prompt.mjs ADDRESS

import { onPage } from './chromium.mjs';

const PROMPT = '%%first --max-tokens 80\nTell a story of a lighthouse keeper.';

await onPage(process.argv[2], async page => {
  // The kernel says on the status bar that it is there; what is typed before would wait.
  await page.getByText(/\| Idle/).waitFor();
  await page.locator('.jp-Notebook .cm-content').first().click();
  await page.keyboard.type('%load_ext first_jupyter');
  await page.keyboard.press('Shift+Enter');
  await page.keyboard.type(PROMPT);
  await page.evaluate(() => {
    window.lengths = [];
    const look = () => {
      const outputs = document.querySelectorAll('.jp-CodeCell')[1].querySelectorAll('.jp-OutputArea-output');
      window.lengths.push([...outputs].at(-1)?.textContent.length ?? 0);
    };
    const all = { childList: true, subtree: true, characterData: true };
    new MutationObserver(look).observe(document.querySelector('.jp-Notebook'), all);
  });
  await page.keyboard.press('Shift+Enter');

  const cell = page.locator('.jp-CodeCell').nth(1);
  const output = cell.locator('.jp-OutputArea-output');
  await page.waitForFunction(() => window.lengths.at(-1) > 100);
  await page.screenshot({ path: `${process.env.SHOTS}/streaming.png` });
  await cell.locator('.jp-InputPrompt', { hasText: /\[\d+\]/ }).waitFor();
  const lengths = await page.evaluate(() => window.lengths);
  const answer = await output.last().innerText();
  await page.screenshot({ path: `${process.env.SHOTS}/answered.png` });
  const status = await page.getByRole('button', { name: /Language model/ }).innerText();
  return { lengths, answer, status };
});
