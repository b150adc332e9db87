// The status item, the chooser and the login dialog, read by axe-core in each theme.
// Usage: node dialogs.mjs ADDRESS

import { violations } from './axe.mjs';
import { onPage, themes } from './chromium.mjs';

const SHOTS = process.env.SHOTS;

await onPage(process.argv[2], async page => {
  const found = {};
  const look = async (name, selector) => {
    for (const theme of themes) {
      await theme.put(page);
      found[`${name}, ${theme.name}`] = await violations(page, selector);
      await page.screenshot({ path: `${SHOTS}/${name.replaceAll(' ', '-')}-${theme.name}.png` });
    }
  };
  const item = page.getByRole('button', { name: /Language model/ });
  await item.getByText(/·/).waitFor();
  await look('status item', '.jp-FirstStatus');

  const dialog = page.getByRole('dialog');
  await item.click();
  await dialog.getByRole('option').first().waitFor();
  await look('chooser', '.jp-Dialog');
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });

  await page.evaluate(() => void window.jupyterapp.commands.execute('first:login'));
  await dialog.getByRole('link').waitFor();
  await look('login dialog', '.jp-Dialog');
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  await themes[0].put(page);
  return { found };
});
