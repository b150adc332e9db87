// The names of our commands, as menus, shortcuts and other extensions use them.

export const CommandIDs = {
  openPanel: 'first:open-panel',
  addCluster: 'first:add-cluster',
  chooseModel: 'first:choose-model',
  startModel: 'first:start-model',
  stopModel: 'first:stop-model',
  login: 'first:login',
  logout: 'first:logout'
} as const;
