// Runs every cell of a notebook, saves it, and takes its picture.
// Usage: node quickstart.mjs ADDRESS PICTURE

import { onPage } from './chromium.mjs';

const [address, picture] = process.argv.slice(2);

await onPage(
  address,
  async page => {
    await page.getByText(/\| Idle/).waitFor();
    await page.evaluate(() => window.jupyterapp.shell.currentWidget.sessionContext.ready);
    await page.locator('.jp-CodeCell .cm-content').first().click();
    // The file browser would take a quarter of the picture.
    await page.keyboard.press('Control+B');
    // The command ends when the last cell has; a window of cells on the screen would not tell.
    await page.evaluate(() => window.jupyterapp.commands.execute('notebook:run-all-cells'));
    await page.evaluate(() => window.jupyterapp.commands.execute('docmanager:save'));
    await page.locator('.jp-Notebook').evaluate(node => {
      (node.querySelector('.jp-WindowedPanel-outer') ?? node).scrollTop = 0;
    });
    await page.waitForTimeout(500);
    await page.screenshot({ path: picture });
    return {};
  },
  { deviceScaleFactor: 2, viewport: { width: 1000, height: 640 } }
);
