// Every state of the panel, one after the other, on the federation of states.py.
// Usage: node states.mjs ADDRESS SCENES PICTURES

import { onPage, themes } from './chromium.mjs';
import { Panel } from './panel.mjs';
import { Server, SMALL } from './server.mjs';

const [, , address, scenes, pictures] = process.argv;
const server = new Server(address);
const LOST = 'google/gemma-3-27b-it';
const FAILS = 'lab/mistyped-option';

async function scene(name) {
  const { ok } = await fetch(scenes + name, { method: 'POST' });
  if (!ok) {
    throw new Error(`There is no scene ${name}`);
  }
}

async function account(panel) {
  const section = await panel.show('account');
  await section.getByRole('button', { name: 'Log In with Globus…' }).waitFor();
  await panel.look('logged-out', section);

  await server.api('POST', 'login', {});
  await section.getByRole('button', { name: 'Give Up' }).waitFor();
  await panel.look('login-pending', section);

  await scene('old-login');
  await server.logIn();
  await section.getByRole('button', { name: 'Log In Again…' }).waitFor();
  await panel.look('ends-soon', section);

  await scene('calm');
  await server.logIn();
  await section.getByText('ada@lab.example', { exact: true }).waitFor();
  await section.getByRole('button', { name: 'Log In Again…' }).waitFor({ state: 'detached' });
  await panel.look('logged-in', section);
}

async function models(panel) {
  const section = await panel.show('models');
  await section.getByText('Qwen').waitFor();
  const only = async (state, text, word = state) => {
    await panel.filter(text);
    await section.getByText(new RegExp(`^${word}`)).first().waitFor();
    await panel.look(state, section);
  };
  await panel.look('models', section);
  await only('cold', 'smollm2');
  await only('queued', 'qwen');
  await only('starting', 'mistral');
  await only('hot', 'campus');
  await only('offline', 'gemma');

  await server.api('POST', 'models/start', { model: FAILS });
  await server.until('offline', FAILS, 'local');
  await panel.filter('mistyped');
  await section.getByRole('button', { name: /Why is it offline/ }).click();
  await section.getByText(/unrecognized arguments/).first().waitFor();
  await section.locator('pre').waitFor();
  await panel.look('failed', section);

  await panel.filter('no such model');
  await section.getByRole('button', { name: 'Clear the Filter' }).waitFor();
  await panel.look('no-match', section);
  await panel.filter('');
}

async function warmNodes(panel, page) {
  const section = await panel.show('warm-nodes');
  await section.getByText('No node is warm').waitFor();
  await panel.look('no-warm-nodes', section);

  await server.api('POST', 'models/start', { model: SMALL });
  await server.until('hot', SMALL, 'local');
  await section.getByText('ready').waitFor();
  await panel.look('warm-node', section);

  await server.api('POST', 'models/start', { model: SMALL, hold: 7200 });
  await section.getByText(/held until/i).waitFor();
  await panel.look('held', section);

  await section.getByRole('button', { name: /^Log of/ }).click();
  const dialog = page.getByRole('dialog');
  await dialog.locator('pre').waitFor();
  await panel.look('log', dialog.locator('.jp-Dialog-content'), '.jp-Dialog');
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
}

async function draining(panel) {
  const section = await panel.show('models');
  // It is draining for as long as an answer is on its way.
  const leaving = new AbortController();
  const stream = await server.ask(1500, leaving.signal);
  await stream.body.getReader().read();
  await server.api('POST', 'models/stop', { model: SMALL });
  await panel.filter('smollm2');
  await section.getByText(/^draining/).waitFor();
  await panel.look('draining', section);
  leaving.abort();
  await server.until('cold', SMALL, 'local');
  await panel.filter('');
}

async function usage(panel) {
  const section = await panel.show('usage');
  const answer = await server.ask(20);
  await answer.text();
  await section.getByRole('table').first().waitFor();
  await panel.look('usage', section);
}

async function clusters(panel, page) {
  const section = await panel.show('clusters');
  await section.getByText('argonne-metis').waitFor();
  await panel.look('clusters', section);

  const dialog = page.getByRole('dialog');
  const add = async (state, words) => {
    await section.getByRole('button', { name: 'Add a Cluster…' }).click();
    await dialog.getByText(words).waitFor();
    await panel.look(state, dialog.locator('.jp-Dialog-content'), '.jp-Dialog');
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
  };
  await add('add-a-cluster', /aurora-first-jupyter/);
  await server.api('POST', 'logout', {});
  await add('add-needs-a-login', /Log in with Globus to see/);
  await server.logIn();
}

async function demand(panel) {
  await scene('demand');
  await server.api('POST', 'models/start', { model: LOST, cluster: 'argonne-sophia' });
  const section = await panel.show('account');
  await section.getByRole('button', { name: 'Log In Again…' }).waitFor();
  await panel.look('login-demanded', section);
  await scene('calm');
  await server.logIn();
}

async function gone(panel, page) {
  await page.route(/first\/api/, route => route.abort());
  await page.evaluate(() => void window.jupyterapp.commands.execute('first:choose-model'));
  const dialog = page.getByRole('dialog');
  await dialog.waitFor();
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  const again = panel.node.getByRole('button', { name: 'Try Again' });
  await again.waitFor();
  await panel.look('server-gone', panel.node.locator('.jp-FirstPanel-message'));
  await page.unroute(/first\/api/);
  await again.click();
  await again.waitFor({ state: 'detached' });
}

const PARTS = [account, models, warmNodes, usage, draining, clusters, demand, gone];

await onPage(
  address,
  async page => {
    const panel = new Panel(page, pictures);
    await page.getByRole('button', { name: /Language model/ }).getByText('·').waitFor();
    await panel.open();
    for (const part of PARTS) {
      await part(panel, page);
    }
    await themes[0].put(page);
    return { found: panel.found };
  },
  { viewport: { width: 1180, height: 900 }, deviceScaleFactor: 1.5 }
);
