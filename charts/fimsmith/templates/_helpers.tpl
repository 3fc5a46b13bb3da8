{{/* The name of the release's objects: at most 63 characters, as labels and Services' names want it. */}}
{{- define "fimsmith.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- $full | trunc 63 | trimSuffix "-" -}}
{{- end }}

{{/* A name with a suffix that stays readable however long the release's name is: (list $ "register"). */}}
{{- define "fimsmith.named" -}}
{{- $suffix := index . 1 -}}
{{- $full := include "fimsmith.fullname" (index . 0) -}}
{{- printf "%s-%s" ($full | trunc (int (sub 62 (len $suffix))) | trimSuffix "-") $suffix -}}
{{- end }}

{{- define "fimsmith.labels" -}}
{{- $own := dict
  "app.kubernetes.io/name" (default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-")
  "app.kubernetes.io/instance" (.Release.Name | trunc 63 | trimSuffix "-")
  "app.kubernetes.io/version" .Chart.AppVersion
  "app.kubernetes.io/managed-by" .Release.Service
  "helm.sh/chart" (printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-")
-}}
{{- toYaml (merge $own .Values.commonLabels) }}
{{- end }}

{{/* An image's reference: (list $ "pipeline"). */}}
{{- define "fimsmith.image" -}}
{{- $root := index . 0 -}}
{{- $name := index . 1 -}}
{{- $image := index $root.Values.images $name -}}
{{- $tag := $image.tag | default $root.Chart.AppVersion -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $image.repository $image.digest -}}
{{- else if eq $tag "latest" -}}
{{- fail (printf "images.%s.tag is 'latest', which moves, and Kubeflow's cache knows an image by its name alone; give a version or images.%s.digest" $name $name) -}}
{{- else -}}
{{- printf "%s:%s" $image.repository $tag -}}
{{- end -}}
{{- end }}

{{- define "fimsmith.endpoint" -}}
{{- default (printf "http://ml-pipeline.%s:8888" .Values.kfp.namespace) .Values.kfp.endpoint -}}
{{- end }}

{{- define "fimsmith.pipeline" -}}
{{- default (include "fimsmith.fullname" .) .Values.register.pipelineName -}}
{{- end }}

{{/* The defaults of the pipeline's parameters: `config`, and what the chart knows of the jobs. JSON, because YAML
     renders large numbers in a form that the configuration would read as text. */}}
{{- define "fimsmith.config" -}}
{{- $jobs := dict
  "image" (include "fimsmith.image" (list . "train"))
  "service_account" .Values.serviceAccounts.job.name
  "secret" .Values.objectStore.existingSecret
  "pull_secrets" .Values.imagePullSecrets
-}}
{{- $known := dict "run" (dict "launcher" "pytorchjob" "kubernetes" $jobs) -}}
{{- mergeOverwrite $known (deepCopy .Values.config) | toPrettyJson -}}
{{- end }}

{{- define "fimsmith.pullSecrets" -}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . | quote }}
  {{- end }}
{{- end }}
{{- end }}

{{/* What the pods of all hooks share; they pass the restricted Pod Security Standard. */}}
{{- define "fimsmith.pod" -}}
restartPolicy: Never
enableServiceLinks: false
{{- include "fimsmith.pullSecrets" . }}
securityContext:
  runAsNonRoot: true
  seccompProfile: {type: RuntimeDefault}
{{- with .Values.hooks.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.hooks.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
volumes:
  - name: config
    configMap: {name: {{ include "fimsmith.named" (list . "config") }}}
  - name: tmp
    emptyDir: {sizeLimit: 256Mi}
  # a multi-user Kubeflow wants to know who calls; a single-user one does not look at it
  - name: kfp-token
    projected:
      sources:
        - serviceAccountToken: {path: token, audience: pipelines.kubeflow.org, expirationSeconds: 7200}
{{- end }}

{{- define "fimsmith.container" -}}
image: {{ include "fimsmith.image" (list . "pipeline") | quote }}
imagePullPolicy: IfNotPresent
env:
  {{- if or .Values.register.enabled .Values.kfp.endpoint }}
  - {name: KFP_ENDPOINT, value: {{ include "fimsmith.endpoint" . | quote }}}
  {{- end }}
  - {name: KF_PIPELINES_SA_TOKEN_PATH, value: /var/run/secrets/kubeflow/pipelines/token}
  - {name: FIMSMITH_IMAGE_PIPELINE, value: {{ include "fimsmith.image" (list . "pipeline") | quote }}}
  - {name: FIMSMITH_SECRET, value: {{ .Values.objectStore.existingSecret | quote }}}
resources:
  {{- toYaml .Values.hooks.resources | nindent 2 }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
volumeMounts:
  - {name: config, mountPath: /etc/fimsmith, readOnly: true}
  - {name: tmp, mountPath: /tmp}
  - {name: kfp-token, mountPath: /var/run/secrets/kubeflow/pipelines, readOnly: true}
{{- end }}

{{/* The account of the registration. */}}
{{- define "fimsmith.registrar" -}}
{{- default (include "fimsmith.named" (list . "register")) .Values.register.serviceAccount -}}
{{- end }}
