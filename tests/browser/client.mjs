// OpenAI's JavaScript client, with the address and key that kernels find.

import OpenAI from 'openai';

const client = new OpenAI({
  baseURL: process.env.FIRST_BASE_URL,
  apiKey: process.env.FIRST_API_KEY
});
const models = await client.models.list();
const stream = await client.chat.completions.create({
  model: 'smollm2',
  messages: [{ role: 'user', content: 'Tell a very long story.' }],
  temperature: 0,
  max_tokens: 40,
  stream: true,
  stream_options: { include_usage: true }
});
const pieces = [];
let usage = null;
for await (const chunk of stream) {
  pieces.push(chunk.choices[0]?.delta?.content ?? '');
  usage = chunk.usage ?? usage;
}
let refusal = null;
try {
  await client.chat.completions.create({ model: 'no-such-model', messages: [{ role: 'user', content: 'Hello' }] });
} catch (error) {
  refusal = { status: error.status, message: error.message };
}
console.log(JSON.stringify({ models: models.data.map(model => model.id), pieces: pieces.filter(Boolean), usage, refusal }));
