// What our part of a page costs: bytes, time to activate, and requests while nobody looks.
// Usage: node measure.mjs ADDRESS load
//        node measure.mjs ADDRESS requests SECONDS [now]    with "now", the page's clock is put forward instead of waiting

import { hidePage, onPage } from './chromium.mjs';

const [, , address, what, seconds, now] = process.argv;

// Runs before anything of the page: takes our module in hand as it registers itself, and times each plugin's activate.
function timeActivation() {
  window.firstActivation = {};
  const timed = plugin => {
    const { activate } = plugin;
    plugin.activate = (...args) => {
      const began = performance.now();
      try {
        return activate(...args);
      } finally {
        window.firstActivation[plugin.id] = performance.now() - began;
      }
    };
  };
  const wrapped = container => ({
    init: container.init,
    get: async module => {
      const factory = await container.get(module);
      return () => {
        const made = factory();
        [made.default ?? []].flat().forEach(timed);
        return made;
      };
    }
  });
  window._JUPYTERLAB = new Proxy(
    {},
    {
      set: (all, name, container) => {
        all[name] = name === 'first-jupyter' ? wrapped(container) : container;
        return true;
      }
    }
  );
}

async function load(page) {
  const files = [];
  page.on('response', response => {
    const path = response.url().match(/extensions\/first-jupyter\/(static\/[^?]*)/);
    if (path) files.push(path[1]);
  });
  await page.addInitScript(timeActivation);
  await page.goto(address);
  await page.getByRole('button', { name: /Language model/ }).getByText('·').waitFor();
  await page.evaluate(() => window.jupyterapp.restored);
  return { files, activation: await page.evaluate(() => window.firstActivation) };
}

async function requests(page) {
  const asked = [];
  page.on('request', request => {
    const path = new URL(request.url()).pathname;
    if (/\/first\//.test(path)) asked.push(path.replace(/.*\/first\//, ''));
  });
  if (now) await page.clock.install();
  await page.goto(address);
  await page.getByRole('button', { name: /Language model/ }).getByText('·').waitFor();
  await page.evaluate(() => window.jupyterapp.restored);
  await page.waitForLoadState('networkidle');
  const during = async () => {
    asked.length = 0;
    for (let second = 0; second < seconds; second++) {
      await (now ? page.clock.runFor(1000) : page.waitForTimeout(1000));
    }
    return [...asked];
  };
  const panelHidden = await during();
  await hidePage(page);
  return { panelHidden, pageHidden: await during() };
}

await onPage('about:blank', what === 'load' ? load : requests);
