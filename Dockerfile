# The image holds the gateway's assemblies and Microsoft's ASP.NET Core runtime, and nothing else.
#   docker build --tag paperless-gateway:0.1.0 .

# The SDK runs on the builder's own processor and compiles for the target's processor.
FROM --platform=$BUILDPLATFORM mcr.microsoft.com/dotnet/sdk:10.0 AS build
ARG TARGETARCH
WORKDIR /source

# The packages have a layer of their own, which is rebuilt only if a version or a lock file changes.
# The first restore accepts exactly the versions and checksums of the lock file. A lock file does not list packages
# for one processor (NU1004), so the second restore, which adds the compiler for the target, writes its own.
COPY .editorconfig global.json Directory.Build.props Directory.Packages.props ./
COPY src/Gateway/Gateway.csproj src/Gateway/packages.lock.json src/Gateway/
RUN dotnet restore src/Gateway/Gateway.csproj --locked-mode
RUN dotnet restore src/Gateway/Gateway.csproj --arch $TARGETARCH -p:NuGetLockFilePath=obj/packages.lock.json

# ReadyToRun compiles ahead for one processor and shortens the start by a quarter.
COPY src/Gateway/ src/Gateway/
RUN dotnet publish src/Gateway/Gateway.csproj --configuration Release --arch $TARGETARCH --no-restore --self-contained false --output /app -p:UseAppHost=false

# This stage creates the data directory, because the final image has no shell.
RUN install -d -m 0700 /data

# Chiseled Ubuntu has no shell and no package manager, runs as an ordinary user, and contains the certificate
# authorities. SQLite's library needs glibc, which this variant has. The -extra variant adds ICU and time zones, which the
# gateway does not use (InvariantGlobalization; the pages bring their own words for months, and all times are UTC).
FROM mcr.microsoft.com/dotnet/aspnet:10.0-noble-chiseled

# Diagnostics are off: the runtime would create sockets, but the root file system should be read-only.
ENV ASPNETCORE_HTTP_PORTS=8080 \
    GATEWAY_MANAGEMENT_URL=http://+:8081 \
    GATEWAY_DATA_DIR=/data \
    DOTNET_EnableDiagnostics=0

# A release adds the version's commit, its time and the digests of the base images (.github/workflows/release.yml).
LABEL org.opencontainers.image.title="Paperless Gateway" \
      org.opencontainers.image.description="Reverse proxy with single sign-on for Paperless-ngx" \
      org.opencontainers.image.licenses=MIT \
      org.opencontainers.image.version=0.1.0 \
      org.opencontainers.image.base.name=mcr.microsoft.com/dotnet/aspnet:10.0-noble-chiseled

# The licences of the gateway and of all packages in it. The base image has those of the .NET runtime.
WORKDIR /app
COPY LICENSE config/package/THIRD-PARTY-NOTICES ./
COPY --from=build /app ./

# The database and the keys. A new named volume gets the owner of this directory (1654). A directory of the host must
# belong to that user.
COPY --from=build --chown=$APP_UID:$APP_UID /data /data
VOLUME ["/data"]

USER $APP_UID

# Only the public port. The health checks (8081) are for other containers.
EXPOSE 8080

# Without a shell only the exec form works, so the health check runs the program itself.
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s --retries=3 CMD ["dotnet", "Gateway.dll", "health"]

# Arguments are a command, for example: docker compose run --rm gateway check
ENTRYPOINT ["dotnet", "Gateway.dll"]
