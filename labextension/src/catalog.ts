// Reading a catalog: which model is the current one, and who would serve it.

import type { ICatalog, IModel, IOffer, State } from './api';

/** From the soonest first token to none at all. */
const SOONEST: readonly State[] = [
  'hot',
  'starting',
  'queued',
  'cold',
  'draining',
  'offline'
];

export interface IChoice {
  /** What the choice is called in the API: an id, or `id@cluster`. */
  value: string;
  model: IModel;
  /** The offer that would serve it; none if no cluster has the model. */
  offer: IOffer | null;
  /** Whether the choice names its cluster. */
  pinned: boolean;
}

/** The offers, the soonest first. */
export function bySoonest(offers: readonly IOffer[]): IOffer[] {
  return [...offers].sort(
    (a, b) =>
      SOONEST.indexOf(a.state) - SOONEST.indexOf(b.state) ||
      (a.eta ?? Infinity) - (b.eta ?? Infinity) ||
      0
  );
}

/** What a name (an id, an alias, or either with `@cluster`) stands for. */
export function resolve(
  models: readonly IModel[],
  name: string
): IChoice | null {
  const find = (id: string): IModel | undefined =>
    models.find(model => model.id === id || model.aliases.includes(id));
  const whole = find(name);
  if (whole) {
    const offer = bySoonest(whole.clusters)[0] ?? null;
    return { value: whole.id, model: whole, offer, pinned: false };
  }
  const at = name.lastIndexOf('@');
  const model = at > 0 ? find(name.slice(0, at)) : undefined;
  if (!model) {
    return null;
  }
  const cluster = name.slice(at + 1);
  const offer = model.clusters.find(each => each.cluster === cluster) ?? null;
  return { value: `${model.id}@${cluster}`, model, offer, pinned: true };
}

export function currentChoice(catalog: ICatalog): IChoice | null {
  return catalog.current ? resolve(catalog.models, catalog.current) : null;
}

/**
 * What can be chosen of a model: the model itself, wherever it is soonest, and
 * each of its clusters. A model with one cluster is one choice.
 */
export function choicesOf(model: IModel): IChoice[] {
  const offers = bySoonest(model.clusters);
  const whole: IChoice = {
    value: model.id,
    model,
    offer: offers[0] ?? null,
    pinned: false
  };
  if (offers.length < 2) {
    return [whole];
  }
  const pinned = offers.map(offer => ({
    value: `${model.id}@${offer.cluster}`,
    model,
    offer,
    pinned: true
  }));
  return [whole, ...pinned];
}

/** The models of which the words all match something: a name, an alias, a cluster, a state. */
export function filterModels(
  models: readonly IModel[],
  text: string
): IModel[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return models.filter(model => {
    const hay = [
      model.id,
      ...model.aliases,
      ...model.abilities,
      ...model.clusters.flatMap(offer => [
        offer.cluster,
        offer.kind,
        offer.backend,
        offer.state
      ])
    ]
      .join(' ')
      .toLowerCase();
    return words.every(word => hay.includes(word));
  });
}

/** Whether something is under way that ends by itself. */
export function isUnderWay(offer: IOffer | null): boolean {
  return (
    offer !== null && ['starting', 'queued', 'draining'].includes(offer.state)
  );
}

/** Whether it answers requests, or some wait for it. */
export function isBusy(offer: IOffer): boolean {
  return offer.running > 0 || offer.waiting > 0;
}
