import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['lib', 'lib-test', 'node_modules'] },
  ...tseslint.configs.strict,
  {
    files: ['**/*.ts', '**/*.tsx'],
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/explicit-function-return-type': [
        'error',
        { allowExpressions: true }
      ],
      eqeqeq: 'error'
    }
  }
);
