// The clusters of the federation, and what could be added to it, as the control API tells them.

/** How bytes travel to a replica. */
export type Path = 'direct' | 'tunnel' | 'rendezvous' | 'relay';

export interface ICluster {
  cluster: string;
  kind: string;
  state: 'online' | 'offline' | 'unknown';
  /** Why it is so, in a sentence; empty where all is well. */
  reason: string;
  models: string[];
  /** In use now. */
  paths: Path[];
  /** When it told of itself last, in seconds since 1970; none where it tells at once. */
  seen: number | null;
}

/** An endpoint of Globus Compute that is not in the federation yet. */
export interface IEndpointOffer {
  endpoint: string;
  name: string;
  online: boolean | null;
}

export interface IOffered {
  offers: IEndpointOffer[];
  /** Why none can be told, if so. */
  problem: string | null;
}
