// JupyterLab in German: what of ours can be seen at once.
// Usage: node german.mjs ADDRESS

import { onPage } from './chromium.mjs';

await onPage(process.argv[2], async page => {
  const item = page.getByRole('button', { name: /Sprachmodell/ });
  await item.getByText('·').waitFor();
  const card = await page.locator('.jp-LauncherCard', { hasText: 'FIRST' }).innerText();
  await item.click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('option').first().waitFor();
  await page.screenshot({ path: `${process.env.SHOTS}/german.png` });
  return { status: await item.innerText(), card, dialog: await dialog.innerText() };
});
