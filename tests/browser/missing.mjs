// JupyterLab on a server that runs without our extension.
// Usage: node missing.mjs ADDRESS

import { onPage } from './chromium.mjs';

await onPage(process.argv[2], async page => {
  const item = page.getByRole('button', { name: /Language model/ });
  await item.getByText('not available').waitFor();
  await item.click();
  const dialog = page.getByRole('dialog');
  await dialog.waitFor();
  await page.screenshot({ path: `${process.env.SHOTS}/missing.png` });
  return { status: await item.innerText(), advice: await dialog.innerText() };
});
