// Logs in with Globus from the palette, and out again. Globus is a stand-in whose user agrees at once.
// Usage: node login.mjs ADDRESS paste|redirect

import { hasFocus, onPage } from './chromium.mjs';

const [, , address, way] = process.argv;

async function command(page, label) {
  await page.keyboard.press('Control+Shift+C');
  const search = page.locator('.lm-CommandPalette-input');
  await search.waitFor();
  await search.fill(label);
  await page.locator('.lm-CommandPalette-item', { hasText: label }).first().click();
}

await onPage(address, async page => {
  await page.getByRole('button', { name: /Language model/ }).waitFor();
  await page.locator('.jp-LauncherCard').first().waitFor();
  await command(page, 'Log In with Globus');
  const dialog = page.getByRole('dialog');
  const link = dialog.getByRole('link', { name: 'Open Globus in a new tab' });
  await link.waitFor();
  const focused = await hasFocus(link);
  const says = await dialog.innerText();
  await page.screenshot({ path: `${process.env.SHOTS}/login-${way}.png` });

  const opened = page.context().waitForEvent('page');
  await page.keyboard.press('Enter');
  const globus = await opened;
  await globus.waitForLoadState();
  let problem = '';
  if (way === 'paste') {
    const code = await globus.locator('code').innerText();
    const input = dialog.getByRole('textbox');
    await input.fill('mistyped');
    await page.keyboard.press('Enter');
    await dialog.getByRole('alert').getByText(/did not take/).waitFor();
    problem = await dialog.getByRole('alert').innerText();
    await input.fill(code);
    await dialog.getByRole('button', { name: 'Log In' }).click();
  }
  const last = await globus.locator('body').innerText();
  await dialog.waitFor({ state: 'detached' });
  await page.getByText(/Logged in as/).first().waitFor();
  const label = await page.evaluate(() => document.body.innerText.match(/Logged in as [^\n]*/)[0]);
  await command(page, 'Log Out of Globus');
  await page.getByText(/Not logged in with Globus/).first().waitFor();
  return { focused, says, problem, last, label };
});
