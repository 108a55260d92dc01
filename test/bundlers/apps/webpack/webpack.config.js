export default {
  entry: './app.js',
  mode: 'production',
}
