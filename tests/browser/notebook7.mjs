// Notebook 7 has no status bar; the commands are in its palette all the same.
// Usage: node notebook7.mjs ADDRESS

import { onPage } from './chromium.mjs';

const ITEM = '.lm-CommandPalette-item[data-command="first:choose-model"]';
const LABELS = '.lm-CommandPalette-item[data-command^="first:"] .lm-CommandPalette-itemLabel';

// The palette closes when it loses the focus, which a notebook that is still settling takes at any moment: then open it again.
async function choose(page) {
  for (let time = 1; ; time++) {
    try {
      await page.keyboard.press('Control+Shift+C');
      await page.locator('.lm-CommandPalette-input').fill('model', { timeout: 5000 });
      await page.locator(ITEM).waitFor({ timeout: 5000 });
      const labels = await page.locator(LABELS).allInnerTexts();
      await page.locator(ITEM).click({ timeout: 5000 });
      return labels;
    } catch (error) {
      if (time === 8) throw error;
      await page.keyboard.press('Escape');
    }
  }
}

await onPage(process.argv[2], async page => {
  await page.locator('.jp-Notebook .cm-content').first().waitFor();
  await page.locator('.jp-Notebook-ExecutionIndicator[data-status="idle"]').waitFor();
  const labels = await choose(page);
  await page.getByRole('dialog').getByRole('option').first().waitFor();
  await page.screenshot({ path: `${process.env.SHOTS}/notebook7.png` });
  return { labels };
});
