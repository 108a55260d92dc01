/** What the apps are built with, pinned so that a test says the same tomorrow. */
export const VERSIONS = {
  'create-vite': '9.3.0',
  vite: '8.3.8',
  typescript: '7.0.2',
  webpack: '5.112.2',
  'webpack-cli': '7.3.1',
  esbuild: '0.28.2',
  rolldown: '1.3.2',
  next: '16.4.6',
  react: '19.3.1',
  'react-dom': '19.3.1',
} as const

export type Tool = keyof typeof VERSIONS
