// Runs every cell of a notebook beside the panel, saves it, and takes a picture of both.
// Usage: node quickstart.mjs ADDRESS PICTURE

import { onPage } from './chromium.mjs';

const [address, picture] = process.argv.slice(2);

await onPage(
  address,
  async page => {
    await page.getByText(/\| Idle/).waitFor();
    await page.evaluate(() => window.jupyterapp.shell.currentWidget.sessionContext.ready);
    await page.locator('.jp-CodeCell .cm-content').first().click();
    await page.evaluate(() => window.jupyterapp.commands.execute('first:open-panel'));
    // The command ends when the last cell has; a window of cells on the screen would not tell.
    await page.evaluate(() => window.jupyterapp.commands.execute('notebook:run-all-cells'));
    await page.evaluate(() => window.jupyterapp.commands.execute('docmanager:save'));
    await page.locator('.jp-Notebook').evaluate(node => {
      (node.querySelector('.jp-WindowedPanel-outer') ?? node).scrollTop = 0;
    });
    await page.getByText(/^\w+ · \d+ (running|waiting)/).waitFor({ state: 'detached' });
    await page.waitForTimeout(500);
    await page.screenshot({ path: picture });
    return {};
  },
  { deviceScaleFactor: 2, viewport: { width: 1200, height: 680 } }
);
