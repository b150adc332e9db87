// Chooses and starts the model by keyboard alone, from the status item.
// Usage: node status.mjs ADDRESS

import { hasFocus, onPage } from './chromium.mjs';

await onPage(process.argv[2], async page => {
  const item = page.getByRole('button', { name: /Language model/ });
  await item.getByText(/·/).waitFor();
  const before = await item.innerText();
  const tooltip = await item.getAttribute('title');

  await item.focus();
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog');
  const filter = dialog.getByRole('combobox');
  await filter.waitFor();
  const focused = await hasFocus(filter);
  await page.keyboard.type('no such model');
  const none = await dialog.locator('.jp-FirstChooser-none').innerText();
  await page.keyboard.press('Control+A');
  await page.keyboard.type('smollm2 local');
  const options = await dialog.getByRole('option').allInnerTexts();
  const selected = await dialog.getByRole('option', { selected: true }).count();
  await page.screenshot({ path: `${process.env.SHOTS}/chooser.png` });

  // On to the checkbox, then from anywhere: take it.
  await page.keyboard.press('Tab');
  await page.keyboard.press('Space');
  const checked = await dialog.getByRole('checkbox').isChecked();
  await page.keyboard.press('Enter');
  await dialog.waitFor({ state: 'detached' });
  await item.getByText('· hot').waitFor();
  return { before, tooltip, focused, none, options, selected, checked, after: await item.innerText() };
});
