// Follows the pods of a namespace with client-node's informer, makes and deletes one, and says each thing that it is told
// as one line of JSON. Usage: node informer.mjs KUBECONFIG NAMESPACE
import { CoreV1Api, KubeConfig, makeInformer } from '@kubernetes/client-node';

const [kubeconfig, namespace] = process.argv.slice(2);
const config = new KubeConfig();
config.loadFromFile(kubeconfig);
const core = config.makeApiClient(CoreV1Api);

const say = (line) => console.log(JSON.stringify(line));
const told = (event) => (pod) =>
  say({ event, name: pod.metadata.name, phase: pod.status?.phase, node: pod.spec?.nodeName });

const informer = makeInformer(config, `/api/v1/namespaces/${namespace}/pods`, () => core.listNamespacedPod({ namespace }));
for (const event of ['add', 'update', 'delete']) informer.on(event, told(event));
informer.on('error', (error) => say({ event: 'error', message: String(error) }));
await informer.start();
say({ event: 'synced' });

const pod = {
  metadata: { name: 'from-javascript' },
  spec: { containers: [{ name: 'main', image: 'registry.k8s.io/pause:3.10' }] },
};
const made = await core.createNamespacedPod({ namespace, body: pod });
say({ event: 'created', name: made.metadata.name, uid: made.metadata.uid });

process.on('SIGTERM', async () => {
  await core.deleteNamespacedPod({ namespace, name: 'from-javascript' });
  say({ event: 'asked to delete' });
});
informer.on('delete', async () => {
  await informer.stop();
  process.exit(0);
});
