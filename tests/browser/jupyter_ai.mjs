// Asks a question in Jupyter AI's chat while the model is cold, another one of a model that it picks, and stops the third.
// Usage: node jupyter_ai.mjs ADDRESS

import { onPage } from './chromium.mjs';

await onPage(process.argv[2], async page => {
  await page.locator('.jp-LauncherCard', { hasText: 'Chat' }).first().click();
  const input = page.getByPlaceholder('Type a chat message');
  const stop = page.getByRole('button', { name: 'Stop generating' });
  const model = page.getByTitle('Model', { exact: true }).last();
  const messages = page.locator('.jp-chat-rendered-message');

  async function begin(question) {
    await input.fill(question);
    await input.press('Enter');
    await stop.and(page.locator(':enabled')).waitFor();
  }

  async function ask(question) {
    await begin(question);
    await stop.and(page.locator(':disabled')).waitFor();
  }

  await model.waitFor();
  const before = await model.innerText();
  await page.evaluate(() => {
    window.waits = new Set();
    const look = () => {
      for (const line of document.querySelectorAll('.jp-chat-writers')) {
        window.waits.add(line.innerText);
      }
    };
    const all = { childList: true, subtree: true, characterData: true };
    new MutationObserver(look).observe(document.body, all);
  });
  await ask('What is a median? Answer in one sentence.');
  const waits = await page.evaluate(() => [...window.waits]);

  await model.click();
  const rows = page.locator('[class*=personaControls] li, [role=menuitem]');
  await rows.first().waitFor();
  const models = await rows.allInnerTexts();
  await page.screenshot({ path: `${process.env.SHOTS}/jupyter-ai.png` });
  await rows.filter({ hasText: 'hot on local' }).click();
  await ask('Thank you. And what is a mean?');
  const after = await model.innerText();
  await begin('Tell a very long story of a lighthouse.');
  await messages.nth(5).filter({ hasText: /./ }).waitFor();
  await stop.click();
  await stop.and(page.locator(':disabled')).waitFor();
  return { before, waits, models, after, said: await messages.allInnerTexts() };
});
