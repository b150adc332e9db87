// The login with Globus as the control API tells it.

/** `demand`: Globus wants the person to log in again; `unneeded`: no cluster needs a login. */
export type LoginState =
  'unneeded' | 'logged_out' | 'pending' | 'logged_in' | 'demand';

/** How the code comes back: pasted by the person, or by a redirect to Jupyter. */
export type LoginWay = 'paste' | 'redirect';

/** A login that was begun: the page to visit. */
export interface IBegunLogin {
  url: string;
  way: LoginWay;
  /** In seconds since 1970. */
  until: number;
}

export interface ILogin {
  state: LoginState;
  /** What is so, and what to do if anything is to be done. */
  sentence: string;
  username: string | null;
  services: string[];
  ends: number | null;
  ends_soon: boolean;
  service_account: boolean;
  pending: IBegunLogin | null;
  /** The ways that are open here, the best first. */
  ways: LoginWay[];
  /** What a login asks for, and why. */
  asks: { service: string; why: string }[];
  /** Logins of other tools that can be used here. */
  offers: { tool: string; sentence: string }[];
}
