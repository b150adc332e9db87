// The server behind a page, asked from beside the page: what gets a state on its way that a test looks at.

import { setTimeout as later } from 'node:timers/promises';

export const SMALL = 'HuggingFaceTB/SmolLM2-135M-Instruct';

export class Server {
  constructor(address) {
    const url = new URL(address);
    this.token = url.searchParams.get('token');
    this.base = address.slice(0, address.indexOf('/lab/') + 1);
  }

  async api(method, route, body) {
    const answer = await this.fetch(`first/api/${route}`, { method, body: body && JSON.stringify(body) });
    return answer.json();
  }

  fetch(path, options) {
    return fetch(this.base + path, { ...options, headers: { Authorization: `token ${this.token}` } });
  }

  /** Begins to ask the small model, whose answer comes as it is written; `signal` ends it. */
  ask(maxTokens, signal) {
    const messages = [{ role: 'user', content: 'Tell a very long story.' }];
    const body = { model: 'smollm2', messages, max_tokens: maxTokens, ignore_eos: true, stream: true };
    return this.fetch('first/v1/chat/completions', { method: 'POST', body: JSON.stringify(body), signal });
  }

  /** Logs in as the person who sits before the stand-in of Globus, who agrees at once. */
  async logIn() {
    const { url } = await this.api('POST', 'login', { force: true });
    const page = await (await fetch(url)).text();
    const [, code] = page.match(/<code>(.*?)<\/code>/);
    return this.api('POST', 'login/code', { code });
  }

  /** Waits for a model's state somewhere. */
  async until(state, model, cluster) {
    for (let waited = 0; waited < 120_000; waited += 200) {
      const { models } = await this.api('GET', 'models');
      const place = models.find(each => each.id === model)?.clusters.find(each => each.cluster === cluster);
      if (place?.state === state) {
        return;
      }
      await later(200);
    }
    throw new Error(`${model} on ${cluster} did not become ${state}`);
  }
}
