// The panel where there is nothing for it to show: no login to be had, no model, no server extension.
// Usage: node standstill.mjs ADDRESS PICTURES nothing|missing

import { onPage, themes } from './chromium.mjs';
import { Panel } from './panel.mjs';

const [, , address, pictures, what] = process.argv;

async function nothing(panel, page) {
  const account = await panel.show('account');
  await account.locator('.jp-FirstPanel-quiet').waitFor();
  await panel.look('no-login-needed', account);

  const models = await panel.show('models');
  await models.locator('.jp-FirstPanel-notice').waitFor();
  await panel.look('no-models', models);

  const usage = await panel.show('usage');
  await usage.getByText(/Nothing was asked/).waitFor();
  await panel.look('nothing-used', usage);
}

async function loading(panel, page) {
  const asked = /first\/api\/models/;
  await page.route(asked, () => {});
  await page.reload();
  await page.getByRole('button', { name: /Language model/ }).waitFor();
  await panel.open();
  const message = panel.node.locator('.jp-FirstPanel-message');
  await message.getByText(/\w/).first().waitFor();
  await panel.look('loading', message);
  await page.unroute(asked);
}

async function missing(panel) {
  const message = panel.node.locator('.jp-FirstPanel-message');
  await message.getByText(/jupyter server extension enable/).waitFor();
  await panel.look('extension-missing', message);
}

await onPage(
  address,
  async page => {
    const panel = new Panel(page, pictures);
    await page.getByRole('button', { name: /Language model/ }).waitFor();
    await panel.open();
    for (const part of what === 'missing' ? [missing] : [nothing, loading]) {
      await part(panel, page);
    }
    await themes[0].put(page);
    return { found: panel.found };
  },
  { viewport: { width: 1180, height: 900 }, deviceScaleFactor: 1.5 }
);
