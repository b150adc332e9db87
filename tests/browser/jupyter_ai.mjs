// Asks a question in Jupyter AI's chat while the model is cold, and another one of a model that it picks.
// Usage: node jupyter_ai.mjs ADDRESS

import { onPage } from './chromium.mjs';

const ANSWERED = '.jp-chat-rendered-message:not(:empty)';

await onPage(process.argv[2], async page => {
  await page.locator('.jp-LauncherCard', { hasText: 'Chat' }).first().click();
  const input = page.getByPlaceholder('Type a chat message');
  const stop = page.getByRole('button', { name: 'Stop generating' });
  const model = page.getByTitle('Model', { exact: true }).last();
  const answers = page.locator('.jp-chat-message', { hasText: 'FIRST' });

  async function ask(question) {
    await input.fill(question);
    await input.press('Enter');
    await stop.and(page.locator(':enabled')).waitFor();
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
  const said = await page.locator('.jp-chat-rendered-message').allInnerTexts();
  return { before, waits, models, after, said };
});
