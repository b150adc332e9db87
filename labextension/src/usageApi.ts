// What was used, as the control API tells it; never a prompt, never an answer.

/** A sum of requests; times in seconds. */
export interface ISum {
  requests: number;
  prompt_tokens: number;
  completion_tokens: number;
  /** The median time to the first token, where one was measured. */
  first_token_s: number | null;
  /** Of a model: how long it held nodes, times how many; none where that is not known. */
  node_hours?: number | null;
}

export interface ISpan extends ISum {
  failed: number;
  by_model: Record<string, ISum>;
  /** By the path of the notebook. */
  by_notebook: Record<string, ISum>;
}

export interface IDay {
  /** As `2026-11-27`, by the server's clock. */
  day: string;
  requests: number;
  failed: number;
  prompt_tokens: number;
  completion_tokens: number;
  node_hours: number | null;
}

export interface IUsage {
  today: ISpan;
  last_30_days: ISpan;
  /** The last 30, the oldest first, those without a request too. */
  days: IDay[];
}
