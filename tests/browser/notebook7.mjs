// Notebook 7 has no status bar; the commands are in its palette all the same.
// Usage: node notebook7.mjs ADDRESS

import { onPage } from './chromium.mjs';
import { runInNotebook } from './hands.mjs';

const LABELS = '.lm-CommandPalette-item[data-command^="first:"] .lm-CommandPalette-itemLabel';

await onPage(process.argv[2], async page => {
  await page.locator('.jp-Notebook .cm-content').first().waitFor();
  await page.locator('.jp-Notebook-ExecutionIndicator[data-status="idle"]').waitFor();
  let labels;
  await runInNotebook(page, 'first:choose-model', 'model', async () => {
    labels = await page.locator(LABELS).allInnerTexts();
  });
  await page.getByRole('dialog').getByRole('option').first().waitFor();
  await page.screenshot({ path: `${process.env.SHOTS}/notebook7.png` });
  return { labels };
});
