"""What the tests of kubectl apply, as people write it."""

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: shop
  labels: {app: shop}
spec:
  replicas: 3
  selector: {matchLabels: {app: shop}}
  template:
    metadata:
      labels: {app: shop}
    spec:
      containers:
        - name: web
          image: registry.example/web:1
          resources: {requests: {cpu: 100m, memory: 64Mi}}
"""

POD = """\
apiVersion: v1
kind: Pod
metadata:
  name: solo
  labels: {app: solo}
spec:
  containers:
    - name: main
      image: registry.example/solo:1
      resources: {requests: {cpu: 50m}}
"""

CONFIG = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: colours}
data: {sky: blue, grass: green}
"""

BUDGET = """\
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: shop}
spec:
  minAvailable: 3
  selector: {matchLabels: {app: shop}}
"""
